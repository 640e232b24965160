// The gradient of a convolution for its kernel, on a CPU, as an XLA FFI call.
//
// It is a sum of outer products over the output's pixels: of kw * c scalars of
// the padded image, which lie side by side, and the f scalars of the output's
// gradient. Nothing is copied: XLA would have to write the patches out first.
// A tile of the sum stays in registers while a few rows of pixels, which fit
// the first-level cache, pass by.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32, 4>;

namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 16, kRows = 8;  // 16 of 32 registers are sums
#elif defined(__AVX__)
constexpr int kWidth = 8, kRows = 6;  // 12 of 16
#else
constexpr int kWidth = 4, kRows = 8;  // 16 of 32
#endif
constexpr int kVectors = 2;   // of the output's gradient in a tile
constexpr int kPixels = 128;  // about as many pass by at once

// Alignment of one float: a row may start anywhere.
typedef float Vector
    __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));

struct Shape {
  int64_t width, features;         // of the output's gradient
  int64_t row, step;               // floats from row to row and pixel to pixel
  int64_t image_rows;              // rows from one output row to the next
};

// Adds `rows` x `vectors` tiles of outer products over `height` rows of pixels.
template <int rows, int vectors>
void AddTile(const float* image, const float* gradient, float* sum,
             int64_t height, const Shape& shape) {
  Vector total[rows][vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      total[r][v] = *reinterpret_cast<const Vector*>(
          sum + r * shape.features + v * kWidth);
  for (int64_t y = 0; y < height; ++y) {
    const float* x = image + y * shape.image_rows * shape.row;
    const float* g = gradient + y * shape.width * shape.features;
    for (int64_t i = 0; i < shape.width; ++i) {
      Vector part[vectors];
      for (int v = 0; v < vectors; ++v)
        part[v] = *reinterpret_cast<const Vector*>(g + v * kWidth);
      for (int r = 0; r < rows; ++r)
        for (int v = 0; v < vectors; ++v) total[r][v] += x[r] * part[v];
      x += shape.step;
      g += shape.features;
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      *reinterpret_cast<Vector*>(sum + r * shape.features + v * kWidth) =
          total[r][v];
}

// Adds what is left of a column of tiles, fewer than kRows rows.
template <int rows, int vectors>
void AddRest(int64_t left, const float* image, const float* gradient,
             float* sum, int64_t height, const Shape& shape) {
  if constexpr (rows > 0) {
    if (left == rows)
      AddTile<rows, vectors>(image, gradient, sum, height, shape);
    else
      AddRest<rows - 1, vectors>(left, image, gradient, sum, height, shape);
  }
}

template <int vectors>
void AddColumn(int64_t length, const float* image, const float* gradient,
               float* sum, int64_t height, const Shape& shape) {
  int64_t k = 0;
  for (; k + kRows <= length; k += kRows)
    AddTile<kRows, vectors>(image + k, gradient, sum + k * shape.features,
                            height, shape);
  AddRest<kRows - 1, vectors>(length - k, image + k, gradient,
                              sum + k * shape.features, height, shape);
}

// padded: [b, h, w, c]; gradient: [b, oh, ow, f]; out: [kh, kw, c, f].
ffi::Error KernelGradient(Array padded, Array gradient, ffi::Result<Array> out,
                          int64_t row_stride, int64_t column_stride) {
  const auto in = padded.dimensions(), go = gradient.dimensions();
  const auto kernel = out->dimensions();
  const int64_t height = go[1], width = go[2], features = go[3];
  if (features % kWidth || in[0] != go[0] || in[3] != kernel[2] ||
      features != kernel[3] ||
      in[1] < (height - 1) * row_stride + kernel[0] ||
      in[2] < (width - 1) * column_stride + kernel[1])
    return ffi::Error::InvalidArgument("kernel_gradient: sizes do not fit");
  const int64_t row = in[2] * in[3], length = kernel[1] * kernel[2];
  const Shape shape{width, features, row, column_stride * in[3], row_stride};
  const int64_t rows = std::max<int64_t>(1, kPixels / width);
  float* sum = out->typed_data();
  std::memset(sum, 0, out->size_bytes());
  for (int64_t b = 0; b < in[0]; ++b)
    for (int64_t y = 0; y < height; y += rows) {
      const int64_t some = std::min(rows, height - y);
      const float* g = gradient.typed_data() +
                       (b * height + y) * width * features;
      for (int64_t i = 0; i < kernel[0]; ++i) {
        const float* x =
            padded.typed_data() + (b * in[1] + y * row_stride + i) * row;
        float* part = sum + i * length * features;
        int64_t f = 0;
        for (; f + kVectors * kWidth <= features; f += kVectors * kWidth)
          AddColumn<kVectors>(length, x, g + f, part + f, some, shape);
        if (f < features)
          AddColumn<1>(length, x, g + f, part + f, some, shape);
      }
    }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(SimganKernelGradient, KernelGradient,
                              ffi::Ffi::Bind()
                                  .Arg<Array>()
                                  .Arg<Array>()
                                  .Ret<Array>()
                                  .Attr<int64_t>("row_stride")
                                  .Attr<int64_t>("column_stride"));
