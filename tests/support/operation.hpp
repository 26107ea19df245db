#pragma once
// An operation without its types. A test of tests/ops gives it tensors of double; a backend gets them in its own
// type and memory, and its results come back as double, which holds every float exactly. So an operation is instantiated
// once for each backend, where its test file defines it, and what is tested of it is compiled once.

#include <complex>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "handgrad/check/traced.hpp"
#include "handgrad/ops/contract.hpp"
#include "support/backend.hpp"

namespace support {

using handgrad::Accumulate;
using handgrad::Shape;
using handgrad::Tensor;

/// Tensors by their names in a contract: arguments, and results.
using Values = std::map<std::string, Tensor<double>>;

/// What an operation does with a tensor.
struct Operand {
    enum class Kind { tensor, labels, indices, number, shape };
    std::string name;
    Kind kind = Kind::tensor;
    bool is_result = false;
    bool adds_up = false;              ///< whether Accumulate::yes adds to it
    std::vector<std::string> in_place; ///< the operands whose memory it may have
    /// Whether it is a tensor that can share memory with another.
    bool has_memory() const { return kind == Kind::tensor; }
};

/// The tensors of a call on backend B, by name.
template <class B> class Operands {
public:
    struct Slot {
        typename B::Tensor tensor;
        typename B::Labels labels;
        typename B::Indices indices;
    };
    Accumulate mode = Accumulate::no;

    Operands(const std::vector<Operand>& operands, std::vector<Slot>& slots) : operands_(operands), slots_(slots) {
        for (Slot& slot : slots) { passed_.push_back(&slot); }
    }
    /// Passes operand `other` for operand `which` as well.
    void pass_twice(std::size_t which, std::size_t other) { passed_[which] = passed_[other]; }

    typename B::Tensor& operator[](std::string_view name) { return slot(name).tensor; }
    const typename B::Labels& labels(std::string_view name) { return slot(name).labels; }
    typename B::Indices& indices(std::string_view name) { return slot(name).indices; }
    Shape shape(std::string_view name) { return slot(name).tensor.shape(); }
    /// A result that is a number.
    template <class N> void number(std::string_view name, N value) {
        using T = typename B::Scalar;
        slot(name).tensor = B::from_host(handgrad::full<T>(Shape{}, static_cast<T>(value)));
    }

private:
    const std::vector<Operand>& operands_;
    std::vector<Slot>& slots_;
    std::vector<Slot*> passed_;
    Slot& slot(std::string_view name) {
        for (std::size_t i = 0; i < operands_.size(); ++i) {
            if (operands_[i].name == name) { return *passed_[i]; }
        }
        throw std::logic_error("no operand is called " + std::string(name));
    }
};

using Complex = handgrad::Reference<std::complex<double>>;
using Traced = handgrad::Reference<handgrad::check::Traced>;

/// One operation with its options, on any backend.
class Operation {
public:
    template <class B> using Run = std::function<void(Operands<B>&)>;

    /// @param operands what it reads, an arrow, what it writes: "x w b -> y". After a colon what is no tensor of numbers
    ///                 of the backend's type: labels, indices, a number, or a tensor of which only the shape is read.
    ///                 A plus says that a result can be added to, and `=x,dy` that it may be in the place of x or of dy.
    /// @param run      calls it: `[](auto on, auto& a) { on.linear_forward(a["x"], a["w"], a["b"], a["y"]); }`
    template <class F> Operation(std::string name, std::string_view operands, const F& run)
        : name_(std::move(name)), operands_(parsed(operands)) {
        std::apply([&](auto... backends) { (bind<decltype(backends)>(run), ...); }, Backends());
    }
    /// The same for a forward operation: also on complex numbers, and on numbers that record comparisons.
    template <class F> static Operation forward(std::string name, std::string_view operands, const F& run) {
        Operation operation(std::move(name), operands, run);
        operation.bind<Complex>(run);
        operation.bind<Traced>(run);
        return operation;
    }

    const std::string& name() const { return name_; }
    const std::vector<Operand>& operands() const { return operands_; }

    /// Runs it. Results that `values` contains already are the memory that is written to, with what is in it. If the
    /// operation throws, `values` has what is in the tensors then.
    void operator()(const Backend& on, Values& values, Accumulate mode = Accumulate::no) const;
    /// The same with one operand passed for another as well. `values` has what is in the tensors afterwards.
    void with_shared(const Backend& on, Values& values, std::size_t which, std::size_t other, Accumulate mode) const;
    /// What it computes by the reference on another kind of number: the values in double, but one of them.
    template <class S>
    std::map<std::string, Tensor<S>> of(const Values& values, const std::string& changed, const Tensor<S>& to) const;
    /// The message of the error that it throws, of type Error if it is to be so; "" if it throws none.
    std::string refusal(const Backend& on, Values values, Accumulate mode = Accumulate::no) const;

private:
    template <class Tuple> struct RunsOf;
    template <class... B> struct RunsOf<std::tuple<B...>> {
        using type = std::tuple<Run<B>..., Run<Complex>, Run<Traced>>;
    };

    std::string name_;
    std::vector<Operand> operands_;
    RunsOf<Backends>::type runs_;

    static std::vector<Operand> parsed(std::string_view text);
    template <class B, class F> void bind(const F& run) {
        std::get<Run<B>>(runs_) = [run](Operands<B>& operands) { run(B(), operands); };
    }
    template <class B>
    void run_on(Values& values, std::optional<std::pair<std::size_t, std::size_t>> shared, Accumulate mode) const;
    void run(const Backend& on, Values& values, std::optional<std::pair<std::size_t, std::size_t>> shared,
             Accumulate mode) const;
};

/// A forward operation and those that go back through it.
struct Chain {
    Operation forward;
    std::vector<Operation> backward;

    /// Arguments in, all results beside them out. Goes back as far as the arguments allow.
    Values operator()(const Backend& on, Values values, Accumulate mode = Accumulate::no) const;
    /// The operation of this name.
    const Operation& operator[](std::string_view name) const;
    /// The arguments with an upstream gradient for each result that has one, of this result's shape.
    Values with_upstream(Values arguments, const std::function<Tensor<double>(const Shape&, std::uint64_t)>& fill,
                         const Backend& on = reference_double) const;
    /// The forward operation's, then the backward ones'.
    std::vector<const Operation*> operations() const;
};

/// A chain with options and arguments.
struct Example {
    std::string name; ///< for messages
    Chain chain;
    Values values;
    std::vector<Chain> others = {}; ///< with other options and the same results, for gradients
};

/// A call that is refused, and what the message says after the operation's name; nothing, if it is not refused. If it
/// has a result among its values, that is to be added to.
struct Refusal {
    Operation operation;
    Values values;
    std::string message;
    bool not_on_gpu = false; ///< a GPU does not check it, since that would wait for a kernel
};

/// A mistake that a gradient check has to find: the wrong gradient, from right ones and whatever led to them.
struct Mistake {
    std::string gradient, what;
    std::function<Tensor<double>(const Backend&, const Chain&, const Values&)> wrong;
};

/// What is to be tested of an operation. What an operation leaves empty is not tested of it.
struct Tested {
    std::string name; ///< also of PyTorch's fixture
    /// Arguments for n rows, or images: of normal numbers, or of whole ones, for which every sum is exact. The upstream
    /// gradient is drawn by the test.
    std::function<Example(std::size_t n)> batch;
    bool folds_rows = true;       ///< whether the axes before the last may be any
    bool takes_nothing = true;    ///< whether a batch of 0 is allowed
    bool is_exact = true;         ///< whether whole numbers give the same bits on every backend
    std::vector<Operation> forms; ///< other forms, which return new tensors
    std::function<std::vector<Refusal>()> refusals;
    std::function<std::vector<Example>()> aliased;   ///< for each option; without it, batch(3)
    std::function<std::vector<Example>()> gradients; ///< away from kinks
    std::vector<Mistake> mistakes;
    std::function<std::vector<Example>()> large;    ///< that threads share
    bool threads_on_device = false;                 ///< whether the device runs `large` too, with its slow kernels
    std::size_t cases = 0;                          ///< in PyTorch's fixture
    double torch_tolerance = 1;                     ///< in roundings; 0: the same numbers
    std::map<std::string, std::string> torch_names; ///< the fixture's names of tensors that it calls otherwise
    std::function<std::vector<Chain>(const nlohmann::ordered_json&)> torch_chain; ///< for a case's options
};

/// The numbers that a backend stores for those of t.
inline Tensor<double> to_stored(const Backend& on, Tensor<double> t) {
    for (double& v : t.storage()) { v = on.stored(v); }
    return t;
}

/// All operations.
std::vector<Tested>& tested();
/// Adds an operation.
inline bool test_operation(const Tested& operation) { return tested().push_back(operation), true; }
/// Requires that the gradients of the operation agree with numeric ones, and that its mistakes do not.
void prove_gradients(const std::string& name, const Backend& on);
/// The chain of the operation of this name, with the options of its batch.
Chain chain_of(const std::string& name);

} // namespace support

// HANDGRAD_TEST_OPERATION("linear", tested_linear()): the line by which an operation's test file adds the operation to the
// table, whose rules (ops/rules.cpp) hold for it from then on. The gradients are test cases of its own.
#define HANDGRAD_TEST_OPERATION(name, entry)                                                                           \
    static const bool HANDGRAD_JOINED(operation_is_tested_, __COUNTER__) = support::test_operation(entry);             \
    HANDGRAD_TEST_ON_BACKENDS("gradients of " name, "[ops][gradients]") { support::prove_gradients(name, on); }
