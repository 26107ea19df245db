#pragma once
/// @file
/// # Results in place
///
/// An operation writes its result into a tensor of the caller. That tensor may be one of the arguments only if each
/// entry of the result depends on no other entry than the one that it replaces, or if the kernel reads all entries
/// first:
///
/// | operation | what the result may replace |
/// | --------- | --------------------------- |
/// | relu, sigmoid, tanh forward  | y may be x |
/// | relu, sigmoid, tanh backward | dx may be dy, x (of relu) or y (of the others) |
/// | add forward, backward | y may be a or b; da or db may be dy |
/// | leaky_relu, gelu, silu | y may be x; dx may be dy or x |
/// | dropout forward, backward | y may be x, dx may be dy |
/// | softmax forward | p may be z |
/// | softmax backward | dz may be dp or p |
/// | cross_entropy backward | dz may be p |
/// | l2_penalty backward | dw may be w, overwritten or added to |
/// | sgd_step, adam_step, rmsprop_step | p is overwritten, and g may be p; the state is neither |
///
/// flatten makes its result a view of its argument. In all other operations (linear, conv2d, both poolings,
/// conv2d_relu_max_pool2d, layer_norm, batch_norm, attention, embedding, rnn, lstm, and cross_entropy forward) the
/// result needs memory of its own. If it shares memory with an argument or another result, they throw AliasError and
/// change nothing. Two arguments that are only read may be the same tensor.

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string_view>

#include "handgrad/error.hpp"

namespace handgrad {

/// A tensor of any backend: its name in messages and its address.
class NamedTensor {
public:
    /// @param name the name in the contract @param tensor must not be destroyed before this object
    template <class AnyTensor> NamedTensor(std::string_view name, const AnyTensor& tensor)
        : name_(name), tensor_(&tensor), begin_(reinterpret_cast<const char*>(tensor.data())),
          end_(begin_ + tensor.size() * sizeof(typename AnyTensor::value_type)) {}

    std::string_view name() const { return name_; } ///< the name in the contract

    /// Whether both are the same tensor, even an empty one, or share at least one byte.
    bool overlaps(const NamedTensor& other) const {
        const std::less<const char*> before; // compares pointers into different arrays as well
        const bool one_starts_in_other = before(begin_, other.end_) && before(other.begin_, end_);
        return tensor_ == other.tensor_ || (one_starts_in_other && begin_ != end_ && other.begin_ != other.end_);
    }

private:
    std::string_view name_;
    const void* tensor_;
    const char* begin_;
    const char* end_;
};

/// Throws AliasError: "linear_forward: y shares memory with x, expected a tensor of its own".
[[noreturn]] void refuse_overlap(std::string_view where, const NamedTensor& result, const NamedTensor& other);

/// Throws AliasError if a result shares memory with one of the others, which are arguments and other results. It only
/// compares addresses.
inline void require_apart(std::string_view where, const NamedTensor& result,
                          std::initializer_list<NamedTensor> others) {
    for (const NamedTensor& other : others) {
        if (result.overlaps(other)) { refuse_overlap(where, result, other); }
    }
}

/// Throws AliasError if one of several results shares memory with an argument or another result.
template <std::size_t N> void require_all_apart(std::string_view where, const NamedTensor (&arguments)[N],
                                                std::initializer_list<NamedTensor> results) {
    for (auto result = results.begin(); result != results.end(); ++result) {
        for (const NamedTensor& argument : arguments) { require_apart(where, *result, {argument}); }
        for (auto other = result + 1; other != results.end(); ++other) { require_apart(where, *result, {*other}); }
    }
}

} // namespace handgrad
