#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "../../examples/train_lm/alone.hpp"

namespace train_lm {
namespace {

// Sizes with odd remainders, so that both the tiled and the left-over loops of the matrix product are entered.
constexpr model_shape small{.context = 3, .width = 11, .blocks = 2, .batch = 9, .embedding = 2};

std::vector<std::uint8_t> some_text() {
  std::vector<std::uint8_t> text;
  for (std::uint64_t i = 0; i < 500; ++i) text.push_back(static_cast<std::uint8_t>(mix(i) % 256));
  return text;
}

struct network {
  language_model model{small};
  std::vector<std::uint8_t> text = some_text();
  micro_batch batch = draw_batch(text, small, 7, {});
  std::vector<std::vector<float>> parameters;
  std::vector<std::vector<float>> gradients;

  network() {
    for (std::size_t layer = 0; layer < model.layers(); ++layer) {
      const auto tensors = model.tensors(layer);
      const auto elements = std::accumulate(tensors.begin(), tensors.end(), std::size_t{0});
      model.initialize(layer, parameters.emplace_back(elements), 7);
      gradients.emplace_back(elements);
    }
  }

  double loss() {
    for (std::size_t layer = 0; layer < model.layers(); ++layer) model.forward(layer, parameters[layer], batch);
    return model.loss();
  }

  void differentiate() {
    loss();
    for (std::size_t layer = model.layers(); layer-- > 0;) {
      model.backward(layer, parameters[layer], batch, gradients[layer]);
    }
  }

  // The loss's slope along `direction` in one tensor, from two values of the loss.
  double measured_slope(std::span<float> tensor, std::span<const double> direction, double distance) {
    const std::vector<float> before(tensor.begin(), tensor.end());
    const auto at = [&](double along) {
      for (std::size_t i = 0; i < tensor.size(); ++i) {
        tensor[i] = static_cast<float>(before[i] + along * direction[i]);
      }
      const double value = loss();
      std::copy(before.begin(), before.end(), tensor.begin());
      return value;
    };
    return (at(distance) - at(-distance)) / (2 * distance);
  }
};

double length(std::span<const float> vector) {
  return std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
}

}  // namespace

TEST_CASE("train_lm: the gradient of every tensor is the slope that finite differences measure") {
  network net;
  net.differentiate();
  for (std::size_t layer = 0; layer < net.model.layers(); ++layer) {
    tensor_reader<float> parameters(net.parameters[layer]);
    tensor_reader<float> gradients(net.gradients[layer]);
    for (const std::size_t elements : net.model.tensors(layer)) {
      const auto tensor = parameters.next(elements);
      const auto gradient = gradients.next(elements);
      const double steepness = length(gradient);
      CAPTURE(layer);
      CAPTURE(elements);
      REQUIRE(steepness > 1e-4);
      // Along its own direction a gradient's slope is its length, but only if every element is right.
      std::vector<double> along(gradient.begin(), gradient.end());
      for (double& value : along) value /= steepness;
      CHECK(net.measured_slope(tensor, along, 3e-3) == doctest::Approx(steepness).epsilon(3e-3));
      std::vector<double> one(elements, 0.0);
      const std::size_t chosen = elements / 2;
      one[chosen] = 1;
      CHECK(std::abs(net.measured_slope(tensor, one, 1e-2) - static_cast<double>(gradient[chosen])) < 1e-3);
    }
  }
}

TEST_CASE("train_lm: a training step lowers the loss on a text that repeats") {
  std::vector<std::uint8_t> text;
  for (int i = 0; i < 400; ++i) text.push_back(static_cast<std::uint8_t>("micro-step "[i % 11]));
  settings s;
  s.nodes = 1;
  s.node_size = 2;
  s.micro_steps = 2;
  s.shape = small;
  alone trainer(s, text);
  const double first = trainer.step(0);
  double last = first;
  for (std::uint64_t step = 1; step < 150; ++step) last = trainer.step(step);
  CHECK(first > 4);
  CHECK(last < 0.5);
}

TEST_CASE("train_lm: matrix products agree with the definition for all remainders of the tile") {
  for (std::size_t rows = 1; rows < 10; ++rows) {
    for (std::size_t columns = 1; columns < 18; columns += 3) {
      const std::size_t inner = 5;
      uniform draw(rows * 100 + columns);
      std::vector<float> left(rows * inner), right(inner * columns), out(rows * columns, 1.0F);
      for (float& value : left) value = draw(1);
      for (float& value : right) value = draw(1);
      const auto view = matrix(left, inner);
      add_product(view, right, out, columns);
      const auto again = dense(view.transposed());
      std::vector<float> twice = out;
      add_product(matrix(again, rows).transposed(), right, twice, columns);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          double sum = 0;
          for (std::size_t k = 0; k < inner; ++k)
            sum += static_cast<double>(left[i * inner + k]) * right[k * columns + j];
          CHECK(out[i * columns + j] == doctest::Approx(1 + sum).epsilon(1e-5));
          CHECK(twice[i * columns + j] == doctest::Approx(1 + 2 * sum).epsilon(1e-5));
        }
      }
    }
  }
}

}  // namespace train_lm
