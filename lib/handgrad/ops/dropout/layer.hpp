#pragma once
/// @file

#include <cmath>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "handgrad/nn/module.hpp"
#include "handgrad/ops/dropout/dropout.hpp"
#include "handgrad/tensor/scalar.hpp"
#include "handgrad/tensor/tensor.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad::nn {

/// Drops numbers at random in training mode, as torch.nn.Dropout. In evaluation mode the result is the input itself.
///
/// The mask is a function of the seed, the layer's number and the count of forward passes in training mode. All three
/// are in a buffer, `dropout_state`: a resumed run goes on with the masks that it would have had. Derivation:
/// dropout.md.
template <class Backend> class Dropout : public Module<Backend> {
public:
    using typename Module<Backend>::Tensor;

    /// The counter of the next forward in training mode, in pieces of 16 bits, which float holds exactly: four of the
    /// seed, two of the purpose, two of the step, the lowest first.
    Tensor dropout_state; // (8,)

    /// @param p probability with which a number is dropped
    /// @param seed of the run
    /// @param layer number of this layer: two layers of one seed and one number would drop the same numbers
    /// @throws ShapeError unless p is at least 0 and less than 1
    explicit Dropout(double p = 0.5, std::uint64_t seed = 0, std::uint32_t layer = 0) : p_(p), next_{seed, layer, 0} {
        require_probability("Dropout", p);
        dropout_state = Backend::from_host(zeros<T>({words}));
        write_state();
        this->register_buffer("dropout_state", dropout_state);
    }

    std::string name() const override { return "Dropout"; }
    std::string arguments() const override { return fmt::format("p={}, inplace=False", p_); }

protected:
    /// Computes y with the next mask, or returns x in evaluation mode.
    const Tensor& forward_pass(const Tensor& x) override {
        drops_ = this->is_training() && p_ > 0;
        if (this->is_training()) {
            if (!state_.is_current()) { read_state(); } // a checkpoint has been loaded
            last_ = next_;
            ++next_.step;
            write_state();
        }
        if (!drops_) { return x; }
        Backend::dropout_forward(x, p_, last_, y_);
        return y_;
    }

    /// Computes dx with the mask of forward, if it is needed.
    const Tensor& backward_pass(const Tensor& dy, InputGradient input) override {
        if (!drops_) { return dy; }
        if (input == InputGradient::needed) { Backend::dropout_backward(dy, p_, last_, dx_); }
        return dx_;
    }

private:
    using T = typename Backend::Scalar;
    static constexpr std::size_t words = 8;

    /// Word i of the state is 16 bits of one of three numbers.
    static std::uint64_t& number(std::size_t i, std::uint64_t (&numbers)[3]) { return numbers[i < 4 ? 0 : i / 2 - 1]; }
    static std::size_t shift(std::size_t i) { return 16 * (i < 4 ? i : i % 2); }

    void write_state() {
        std::uint64_t numbers[3] = {next_.seed, next_.purpose, next_.step};
        auto state = zeros<T>({words});
        for (std::size_t i = 0; i < words; ++i) {
            state(i) = T(static_cast<double>(number(i, numbers) >> shift(i) & 0xFFFF));
        }
        Backend::copy_from_host(state, dropout_state);
        state_ = watch(dropout_state);
    }

    /// @throws DataError if the buffer holds anything but pieces of 16 bits
    void read_state() {
        using reference::value_of;
        const handgrad::Tensor<T> state = Backend::to_host(dropout_state);
        std::uint64_t numbers[3] = {};
        for (std::size_t i = 0; i < words; ++i) {
            const auto word = static_cast<double>(value_of(state(i)));
            require<DataError>(word >= 0 && word <= 0xFFFF && word == std::floor(word),
                               "Dropout: dropout_state holds {} at entry {}, expected a whole number from 0 to 65535",
                               word, i);
            number(i, numbers) |= static_cast<std::uint64_t>(word) << shift(i);
        }
        next_ = {numbers[0], static_cast<std::uint32_t>(numbers[1]), static_cast<std::uint32_t>(numbers[2])};
    }

    double p_;
    DropoutCounter next_;             // of the next forward in training mode
    DropoutCounter last_ = {0, 0, 0}; // of the last one
    Watch state_;                     // dropout_state as it was last written
    bool drops_ = false;              // whether the last forward dropped numbers
    Tensor y_, dx_;
};

} // namespace handgrad::nn
