// Calls operations whose types are erased (support/operation.hpp).

#include "support/operation.hpp"

#include <algorithm>
#include <sstream>

#include "handgrad/check/weighted_sum.hpp"
#include "support/on_device.hpp"
#include "support/tensors.hpp"

namespace support {

namespace {

/// The operands of a call, in backend B's memory. @param give (name, slot) fills an operand
template <class B, class Give> std::vector<typename Operands<B>::Slot>
slots_for(const std::vector<Operand>& operands, const Values& values, const Give& give) {
    std::vector<typename Operands<B>::Slot> slots(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
        const Operand& operand = operands[i];
        const auto found = values.find(operand.name);
        if (found == values.end()) {
            if (operand.is_result) { continue; }
            throw std::logic_error("the operation needs " + operand.name);
        }
        switch (operand.kind) {
        case Operand::Kind::labels:
            slots[i].labels = B::from_host(to<std::int64_t>(found->second));
            break;
        case Operand::Kind::indices:
            slots[i].indices = B::from_host(to<std::int32_t>(found->second));
            break;
        default:
            slots[i].tensor = give(operand.name, found->second);
        }
    }
    return slots;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in{std::string(text)};
    for (std::string part; std::getline(in, part, separator);) {
        if (!part.empty()) { parts.push_back(part); }
    }
    return parts;
}

} // namespace

std::vector<Operand> Operation::parsed(std::string_view text) {
    static const std::map<std::string, Operand::Kind> kinds{{"labels", Operand::Kind::labels},
                                                            {"indices", Operand::Kind::indices},
                                                            {"number", Operand::Kind::number},
                                                            {"shape", Operand::Kind::shape}};
    std::vector<Operand> operands;
    bool after_arrow = false;
    for (std::string word : split(text, ' ')) {
        if (word == "->") {
            after_arrow = true;
            continue;
        }
        Operand operand;
        operand.is_result = after_arrow;
        if (const auto equals = word.find('='); equals != std::string::npos) {
            operand.in_place = split(word.substr(equals + 1), ',');
            word.resize(equals);
        }
        if (const auto colon = word.find(':'); colon != std::string::npos) {
            operand.kind = kinds.at(word.substr(colon + 1));
            word.resize(colon);
        }
        if (word.back() == '+') {
            operand.adds_up = true;
            word.pop_back();
        }
        operand.name = word;
        operands.push_back(operand);
    }
    return operands;
}

template <class B> void Operation::run_on(Values& values, std::optional<std::pair<std::size_t, std::size_t>> shared,
                                          Accumulate mode) const {
    using T = typename B::Scalar;
    auto slots = slots_for<B>(operands_, values,
                              [](const std::string&, const Tensor<double>& t) { return B::from_host(to<T>(t)); });
    Operands<B> operands(operands_, slots);
    operands.mode = mode;
    if (shared) { operands.pass_twice(shared->first, shared->second); }
    const auto read_back = [&](bool arguments_too) {
        for (std::size_t i = 0; i < operands_.size(); ++i) {
            const Operand& operand = operands_[i];
            if (operand.kind == Operand::Kind::indices && operand.is_result) {
                values[operand.name] = to<double>(handgrad::Indices(B::to_host(slots[i].indices)));
            } else if (operand.is_result || (arguments_too && operand.has_memory())) {
                values[operand.name] = to<double>(Tensor<T>(B::to_host(slots[i].tensor)));
            }
        }
    };
    try {
        std::get<Run<B>>(runs_)(operands);
    } catch (...) {
        read_back(true);
        throw;
    }
    read_back(shared.has_value());
}

void Operation::run(const Backend& on, Values& values, std::optional<std::pair<std::size_t, std::size_t>> shared,
                    Accumulate mode) const {
    on_device::choose_algorithm();
    switch (on.number) {
    case 0:
        return run_on<std::tuple_element_t<0, Backends>>(values, shared, mode);
    case 1:
        return run_on<std::tuple_element_t<1, Backends>>(values, shared, mode);
    case 2:
        return run_on<std::tuple_element_t<2, Backends>>(values, shared, mode);
    case 3:
        return run_on<std::tuple_element_t<3, Backends>>(values, shared, mode);
#if !defined(HANDGRAD_THRUST_OFF)
    case 4:
        return run_on<std::tuple_element_t<4, Backends>>(values, shared, mode);
    case 5:
        return run_on<std::tuple_element_t<5, Backends>>(values, shared, mode);
#endif
    default:
        throw std::logic_error("there is no such backend");
    }
}

void Operation::operator()(const Backend& on, Values& values, Accumulate mode) const {
    run(on, values, std::nullopt, mode);
}

void Operation::with_shared(const Backend& on, Values& values, std::size_t which, std::size_t other,
                            Accumulate mode) const {
    run(on, values, std::pair(which, other), mode);
}

template <class S> std::map<std::string, Tensor<S>> Operation::of(const Values& values, const std::string& changed,
                                                                  const Tensor<S>& to) const {
    using B = handgrad::Reference<S>;
    auto slots = slots_for<B>(operands_, values, [&](const std::string& name, const Tensor<double>& t) {
        return name == changed ? to : handgrad::check::cast<S>(t);
    });
    Operands<B> operands(operands_, slots);
    std::get<Run<B>>(runs_)(operands);
    std::map<std::string, Tensor<S>> results;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
        if (operands_[i].is_result) { results[operands_[i].name] = slots[i].tensor; }
    }
    return results;
}
template std::map<std::string, Tensor<std::complex<double>>> Operation::of(const Values&, const std::string&,
                                                                           const Tensor<std::complex<double>>&) const;
template std::map<std::string, Tensor<handgrad::check::Traced>>
Operation::of(const Values&, const std::string&, const Tensor<handgrad::check::Traced>&) const;
template std::map<std::string, Tensor<double>> Operation::of(const Values&, const std::string&,
                                                             const Tensor<double>&) const;

std::string Operation::refusal(const Backend& on, Values values, Accumulate mode) const {
    try {
        (*this)(on, values, mode);
    } catch (const handgrad::ShapeError& error) { return error.what(); } catch (const std::exception& other) {
        return std::string("another exception: ") + other.what();
    }
    return "";
}

Values Chain::operator()(const Backend& on, Values values, Accumulate mode) const {
    forward(on, values, mode);
    for (const Operation& operation : backward) {
        const bool complete = std::all_of(operation.operands().begin(), operation.operands().end(),
                                          [&](const Operand& o) { return o.is_result || values.count(o.name) != 0; });
        if (complete) { operation(on, values, mode); }
    }
    return values;
}

const Operation& Chain::operator[](std::string_view name) const {
    for (const Operation* operation : operations()) {
        if (operation->name() == name) { return *operation; }
    }
    throw std::logic_error("no operation is called " + std::string(name));
}

Values Chain::with_upstream(Values arguments, const std::function<Tensor<double>(const Shape&, std::uint64_t)>& fill,
                            const Backend& on) const {
    Values results = arguments;
    forward(on, results);
    std::uint64_t seed = 100;
    for (const Operand& result : forward.operands()) {
        if (!result.is_result) { continue; }
        for (const Operation& operation : backward) {
            for (const Operand& operand : operation.operands()) {
                const std::string upstream = "d" + result.name;
                if (!operand.is_result && operand.name == upstream && arguments.count(upstream) == 0) {
                    arguments[upstream] = fill(results.at(result.name).shape(), ++seed);
                }
            }
        }
    }
    return arguments;
}

std::vector<const Operation*> Chain::operations() const {
    std::vector<const Operation*> all{&forward};
    for (const Operation& operation : backward) { all.push_back(&operation); }
    return all;
}

std::vector<Tested>& tested() {
    static std::vector<Tested> all;
    return all;
}

Chain chain_of(const std::string& name) {
    const auto found =
        std::find_if(tested().begin(), tested().end(), [&](const Tested& operation) { return operation.name == name; });
    if (found == tested().end()) { throw std::logic_error("no operation is called " + name); }
    return found->batch(1).chain;
}

} // namespace support
