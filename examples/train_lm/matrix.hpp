#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace train_lm {

/// A matrix that is only read: element (i, j) is data[i * row_stride + j * column_stride], so a transpose costs
/// nothing.
struct matrix_view {
  const float* data;
  std::size_t rows, columns;
  std::size_t row_stride, column_stride;

  float operator()(std::size_t i, std::size_t j) const { return data[i * row_stride + j * column_stride]; }
  [[nodiscard]] matrix_view transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  [[nodiscard]] matrix_view from_row(std::size_t i) const {
    return {data + i * row_stride, rows - i, columns, row_stride, column_stride};
  }
};

/// The row-major matrix in `elements`, with rows of `columns` elements.
inline matrix_view matrix(std::span<const float> elements, std::size_t columns) {
  return {elements.data(), elements.size() / columns, columns, columns, 1};
}

namespace detail {

// Four floats in one register, spelled out because compilers do not reliably find this form of the loop themselves.
using lanes [[gnu::vector_size(16)]] = float;

inline lanes load(const float* from) {
  lanes out;
  std::memcpy(&out, from, sizeof out);
  return out;
}
inline void add_to(float* to, lanes value) {
  value += load(to);
  std::memcpy(to, &value, sizeof value);
}

// Rows x 8 sums stay in registers over the whole inner dimension.
template <std::size_t Rows> void add_tile(matrix_view left, const float* right, float* out, std::size_t stride) {
  lanes sums[Rows][2] = {};
  for (std::size_t k = 0; k < left.columns; ++k) {
    const lanes low = load(right + k * stride);
    const lanes high = load(right + k * stride + 4);
    for (std::size_t i = 0; i < Rows; ++i) {
      const float factor = left(i, k);
      sums[i][0] += factor * low;
      sums[i][1] += factor * high;
    }
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    add_to(out + i * stride, sums[i][0]);
    add_to(out + i * stride + 4, sums[i][1]);
  }
}

inline void add_element(matrix_view left, const float* right, float* out, std::size_t stride) {
  float sum = 0;
  for (std::size_t k = 0; k < left.columns; ++k) sum += left(0, k) * right[k * stride];
  *out += sum;
}

template <std::size_t Rows> void add_rows(matrix_view left, const float* right, float* out, std::size_t columns) {
  std::size_t j = 0;
  for (; j + 8 <= columns; j += 8) add_tile<Rows>(left, right + j, out + j, columns);
  for (; j < columns; ++j) {
    for (std::size_t i = 0; i < Rows; ++i) add_element(left.from_row(i), right + j, out + i * columns + j, columns);
  }
}

}  // namespace detail

/// out += left * right; `right` and `out` are dense and row-major, with rows of `columns` elements.
inline void add_product(const matrix_view& left, std::span<const float> right, std::span<float> out,
                        std::size_t columns) {
  std::size_t i = 0;
  for (; i + 4 <= left.rows; i += 4) {
    detail::add_rows<4>(left.from_row(i), right.data(), out.data() + i * columns, columns);
  }
  for (; i < left.rows; ++i) detail::add_rows<1>(left.from_row(i), right.data(), out.data() + i * columns, columns);
}

/// What the view shows, as a dense row-major matrix: the right side of a product must be one.
inline std::vector<float> dense(const matrix_view& view) {
  std::vector<float> out(view.rows * view.columns);
  for (std::size_t i = 0; i < view.rows; ++i) {
    for (std::size_t j = 0; j < view.columns; ++j) out[i * view.columns + j] = view(i, j);
  }
  return out;
}

}  // namespace train_lm
