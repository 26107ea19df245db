// What holds for every operation, for each one in the table that the operations' own test files fill.

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "support/algorithm.hpp"
#include "support/gradients.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace handgrad;
using namespace support;

namespace {

#ifdef HANDGRAD_SANITIZED
const std::vector<int> more_threads = {3};
#else
const std::vector<int> more_threads = {1, 2, 3, 4};
#endif

/// The batch of an operation with an upstream gradient.
Example complete(Example example) {
    example.values = example.chain.with_upstream(std::move(example.values), whole_numbers<double>);
    return example;
}

/// Whether all numbers are the same, NaN counting as the same as NaN.
bool same_or_nan(const Tensor<double>& a, const Tensor<double>& b) {
    return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data(), [](double u, double v) {
               return u == v || (std::isnan(u) && std::isnan(v));
           });
}

/// Whether an operation's results differ from backend to backend: winners of the fused one, in its own order.
bool is_private(const Operation& operation, const std::string& name) {
    return operation.name().find("conv2d_relu_max_pool2d") == 0 && name == "winners";
}

/// The results of a chain, by operation.
template <class F> void for_each_result(const Chain& chain, const F& f) {
    for (const Operation* operation : chain.operations()) {
        for (const Operand& operand : operation->operands()) {
            if (operand.is_result) { f(*operation, operand); }
        }
    }
}

/// Requires that two maps have the same bits in all results of a chain.
void require_same_results(const Chain& chain, const Values& got, const Values& expected) {
    for_each_result(chain, [&](const Operation& operation, const Operand& result) {
        INFO(operation.name() << ": " << result.name);
        REQUIRE(got.count(result.name) == expected.count(result.name));
        if (got.count(result.name) != 0) { REQUIRE(same_bits(got.at(result.name), expected.at(result.name))); }
    });
}

/// A copy in another shape.
Tensor<double> reshaped(Tensor<double> t, const Shape& shape) {
    t.reshape(shape);
    return t;
}

/// Calls f with each kind of kernels that the backend has.
template <class F> void with_all_kernels_of(const Backend& on, const F& f) {
    for (const auto algorithm : {device::Algorithm::fast, device::Algorithm::plain}) {
        const Chosen chosen(algorithm);
        f();
        if (on.number <= cpu_double.number) { return; } // only the device has two
    }
}

} // namespace

HANDGRAD_TEST_ON_BACKENDS("operations refuse what does not fit, in one line", "[ops][shapes]") {
    for (const Tested& operation : tested()) {
        if (!operation.refusals) { continue; }
        for (const Refusal& refusal : operation.refusals()) {
            if (refusal.not_on_gpu && on.is_device() && device::is_gpu()) { continue; }
            bool adds_up = false;
            Values after = refusal.values;
            for (const Operand& operand : refusal.operation.operands()) {
                adds_up = adds_up || (operand.is_result && refusal.values.count(operand.name) != 0);
                // What was in a result is there still.
                if (operand.is_result && operand.kind == Operand::Kind::tensor) {
                    after.emplace(operand.name, full<double>({2}, 7));
                }
            }
            const Values before = after;
            const Accumulate mode = adds_up ? Accumulate::yes : Accumulate::no;
            const std::string where = refusal.operation.name() + ": ";
            INFO(where << refusal.message);
            CHECK(refusal.operation.refusal(on, refusal.values, mode) ==
                  (refusal.message.empty() ? "" : where + refusal.message));
            if (refusal.message.empty()) { continue; }
            CHECK_THROWS_AS(refusal.operation(on, after, mode), ShapeError);
            for (const auto& [tensor, value] : before) { CHECK(same_bits(after.at(tensor), value)); }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS(
    "a result that is an argument or another result: refused, or right where the contract says so", "[ops][aliasing]") {
    const auto try_all_pairs = [&](const Example& example, const Operation& operation, const Values& values,
                                   Accumulate mode) {
        const auto& operands = operation.operands();
        for (std::size_t r = 0; r < operands.size(); ++r) {
            for (std::size_t o = 0; o < operands.size(); ++o) {
                const Operand &result = operands[r], &other = operands[o];
                if (r == o || !result.is_result || !result.has_memory() || !other.has_memory()) { continue; }
                INFO(example.name << " " << operation.name() << ": " << result.name << " is " << other.name);
                const auto allowed = [](const Operand& a, const Operand& b) {
                    return std::count(a.in_place.begin(), a.in_place.end(), b.name) != 0;
                };
                Values shared = values;
                if (!allowed(result, other) && !allowed(other, result)) {
                    if (values.at(result.name).size() > 10'000) { continue; } // no other path
                    const Operand& first = other.is_result && o < r ? other : result;
                    const Operand& second = &first == &result ? other : result;
                    CHECK(message_of<AliasError>([&] { operation.with_shared(on, shared, r, o, mode); }) ==
                          operation.name() + ": " + first.name + " shares memory with " + second.name +
                              ", expected a tensor of its own");
                    for (const auto& [name, value] : values) { CHECK(same_bits(shared.at(name), value)); }
                } else if (allowed(result, other)) {
                    Values apart = values;
                    apart[result.name] = values.at(other.name); // which an operation may add to
                    operation(on, apart, mode);
                    operation.with_shared(on, shared, r, o, mode);
                    CHECK(same_bits(shared.at(other.name), apart.at(result.name)));
                    for (const Operand& operand : operands) { // no other argument has changed
                        if (!operand.is_result && operand.has_memory() && operand.name != other.name) {
                            CHECK(same_bits(shared.at(operand.name), values.at(operand.name)));
                        }
                    }
                }
            }
        }
    };
    for (const Tested& operation : tested()) {
        const auto examples = operation.aliased ? operation.aliased() : std::vector<Example>{operation.batch(3)};
        for (const Example& bare : examples) {
            const Example example = complete(bare);
            with_all_kernels_of(on, [&] {
                const Values values = example.chain(on, example.values);
                for (const Operation* each : example.chain.operations()) {
                    try_all_pairs(example, *each, values, Accumulate::no);
                    const bool adds_up = std::any_of(each->operands().begin(), each->operands().end(),
                                                     [](const Operand& operand) { return operand.adds_up; });
                    if (adds_up) { try_all_pairs(example, *each, values, Accumulate::yes); }
                }
            });
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("operations overwrite buffers, whatever was in them, or add to them", "[ops]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const Tested& operation : tested()) {
        for (const std::size_t n : {1, 3, 19}) {
            const Example example = complete(operation.batch(n));
            INFO(operation.name << ", batch of " << n);
            const Chain& chain = example.chain;
            const Values expected = chain(on, example.values);
            for (const Operation* each : chain.operations()) {
                for (const double dirt : {999.0, nan}) {
                    for (const bool same_shape : {true, false}) {
                        Values dirty = expected;
                        bool reads_result = false; // sgd_step moves p
                        for (const Operand& operand : each->operands()) {
                            if (!operand.is_result || !operand.has_memory()) { continue; }
                            reads_result = reads_result || example.values.count(operand.name) != 0;
                            Tensor<double>& result = dirty.at(operand.name);
                            result = full<double>(same_shape ? result.shape() : Shape{3, 1, 2}, dirt);
                        }
                        if (reads_result) { continue; }
                        for (int call = 0; call < 2; ++call) {
                            (*each)(on, dirty);
                            require_same_results(chain, dirty, expected);
                        }
                    }
                }
                for (const Operand& operand : each->operands()) {
                    if (!operand.adds_up) { continue; }
                    INFO(each->name() << " adds to " << operand.name);
                    // To itself: twice as much, exactly. To whole numbers, if it consists of such.
                    Values added = expected;
                    (*each)(on, added, Accumulate::yes);
                    REQUIRE(same_bits(added.at(operand.name), Tensor<double>(2.0 * expected.at(operand.name))));
                    if (!operation.is_exact) { continue; }
                    added[operand.name].fill(10);
                    (*each)(on, added, Accumulate::yes);
                    (*each)(on, added, Accumulate::yes);
                    REQUIRE(
                        equal_numbers(added.at(operand.name), Tensor<double>(10.0 + 2.0 * expected.at(operand.name))));
                }
            }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("the forms of an operation that return new tensors give the same", "[ops]") {
    for (const Tested& operation : tested()) {
        for (const Operation& form : operation.forms) {
            const Example example = complete(operation.batch(3));
            INFO(operation.name << ": " << form.name());
            const Values expected = example.chain(on, example.values);
            Values got = expected;
            for (const Operand& operand : form.operands()) {
                if (operand.is_result) { got.erase(operand.name); }
            }
            form(on, got);
            require_same_results(example.chain, got, expected);
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("operations agree with the reference", "[ops]") {
    for (const Tested& operation : tested()) {
        for (const std::size_t n : {1, 2, 3, 7, 17, 40}) {
            const Example example = complete(operation.batch(n));
            INFO(operation.name << ", batch of " << n);
            const Values got = example.chain(on, example.values);
            const Values expected = example.chain(reference_double, example.values);
            for_each_result(example.chain, [&](const Operation& each, const Operand& result) {
                if (is_private(each, result.name)) { return; }
                INFO(each.name() << ": " << result.name);
                const Tensor<double>&ours = got.at(result.name), &right = expected.at(result.name);
                if (operation.is_exact) {
                    REQUIRE(equal_numbers(ours, right));
                } else {
                    REQUIRE(difference(ours, right) <= 10 * on.rounding());
                }
            });
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("a batch of nothing has results of nothing, and gradients of zero", "[ops][edges]") {
    for (const Tested& operation : tested()) {
        if (!operation.takes_nothing) { continue; }
        INFO(operation.name);
        const Example none = complete(operation.batch(0)), one = complete(operation.batch(1)),
                      two = complete(operation.batch(2));
        const Values got = none.chain(on, none.values), of_one = one.chain(on, one.values),
                     of_two = two.chain(on, two.values);
        for_each_result(none.chain, [&](const Operation& each, const Operand& result) {
            if (is_private(each, result.name)) { return; }
            INFO(each.name() << ": " << result.name);
            Shape shape = of_one.at(result.name).shape();
            if (shape != of_two.at(result.name).shape()) {
                shape[0] = 0;
                CHECK(got.at(result.name).shape() == shape);
            } else {
                CHECK(equal_numbers(got.at(result.name), zeros<double>(shape)));
            }
        });
    }
}

HANDGRAD_TEST_ON_BACKENDS("the axes before the last one are folded into rows", "[ops]") {
    for (const Tested& operation : tested()) {
        if (!operation.folds_rows) { continue; }
        for (const Shape& lead : {Shape{}, Shape{6}, Shape{2, 3}, Shape{3, 1, 2}, Shape{2, 0}}) {
            const std::size_t n = count(lead);
            if (n == 0 && !operation.takes_nothing) { continue; }
            INFO(operation.name << ", rows " << to_string(lead));
            const Example flat = complete(operation.batch(n)), other = complete(operation.batch(n + 1));
            Values folded = flat.values;
            const auto in_lead = [&](const Shape& shape) { // (n, ...) to (lead..., ...)
                Shape result(lead.size() + shape.size() - 1);
                std::copy(shape.begin() + 1, shape.end(), std::copy(lead.begin(), lead.end(), result.begin()));
                return result;
            };
            for (auto& [tensor, value] : folded) {
                if (value.shape() != other.values.at(tensor).shape()) {
                    value = reshaped(value, in_lead(value.shape()));
                }
            }
            const Values expected = flat.chain(on, flat.values), longer = flat.chain(on, other.values),
                         got = flat.chain(on, folded);
            for_each_result(flat.chain, [&](const Operation& each, const Operand& result) {
                INFO(each.name() << ": " << result.name);
                const Tensor<double>& right = expected.at(result.name);
                const bool has_rows = right.shape() != longer.at(result.name).shape();
                CHECK(same_bits(got.at(result.name), has_rows ? reshaped(right, in_lead(right.shape())) : right));
            });
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("an upstream gradient twice as large has gradients exactly twice as large",
                          "[ops][metamorphic]") {
    for (const Tested& operation : tested()) {
        INFO(operation.name);
        Example example = operation.batch(5);
        const Chain& chain = example.chain;
        const Values arguments = chain.with_upstream(example.values, normal_numbers<double>);
        Values twice = arguments;
        std::size_t upstream = 0;
        for (auto& [tensor, value] : twice) {
            if (example.values.count(tensor) != 0) { continue; }
            value *= 2;
            ++upstream;
        }
        if (upstream == 0) { continue; } // a loss
        const Values once_results = chain(on, arguments), twice_results = chain(on, twice);
        for (const Operation& each : chain.backward) {
            for (const Operand& result : each.operands()) {
                if (!result.is_result) { continue; }
                INFO(each.name() << ": " << result.name);
                const Tensor<double> doubled = 2.0 * once_results.at(result.name);
                CHECK(same_bits(doubled, twice_results.at(result.name)));
            }
        }
    }
}

HANDGRAD_TEST_ON_FAST("operations: the number of threads does not change a bit", "[ops][threads]") {
    for (const Tested& operation : tested()) {
        const bool on_cpu = on.number == cpu_float.number || on.number == cpu_double.number;
        if (!operation.large || !(on_cpu || operation.threads_on_device)) { continue; }
        for (const Example& bare : operation.large()) {
            Example example = bare;
            INFO(operation.name << " " << example.name);
            example.values = example.chain.with_upstream(example.values, normal_numbers<double>, on);
            const auto results = [&](int threads) {
                const Threads guard(threads);
                return example.chain(on, example.values);
            };
            const Values one = results(1);
            for (const int threads : more_threads) { require_same_results(example.chain, results(threads), one); }
        }
    }
}

HANDGRAD_TEST_ON_BACKENDS("operations equal PyTorch's", "[ops][torch]") {
    for (const Tested& operation : tested()) {
        if (operation.cases == 0) { continue; }
        REQUIRE(pytorch::cases(operation.name).size() == operation.cases);
        for (const pytorch::Case& c : pytorch::cases(operation.name)) {
            INFO(c.name);
            const auto in_fixture = [&names = operation.torch_names](const std::string& ours) {
                const auto found = names.find(ours);
                return found == names.end() ? ours : found->second;
            };
            std::size_t compared = 0;
            const auto chains =
                operation.torch_chain ? operation.torch_chain(c.options) : std::vector<Chain>{operation.batch(1).chain};
            for (const Chain& chain : chains) {
                Values arguments;
                for (const Operation* each : chain.operations()) {
                    for (const Operand& operand : each->operands()) {
                        const std::string theirs = in_fixture(operand.name);
                        if (operand.is_result) { continue; }
                        if (c.has(theirs)) {
                            arguments[operand.name] = c.get<double>(theirs);
                        } else if (operand.name == "b") { // a layer without a bias
                            arguments["b"] = zeros<double>({0});
                        }
                    }
                }
                for_each_result(chain, [&](const Operation&, const Operand& result) { arguments.erase(result.name); });
                const Values got = chain(on, arguments);
                for_each_result(chain, [&](const Operation& each, const Operand& result) {
                    const std::string theirs = in_fixture(result.name);
                    if (!c.has(theirs)) { return; }
                    INFO(each.name() << ": " << result.name);
                    ++compared;
                    const Tensor<double> right = c.get<double>(theirs);
                    if (operation.torch_tolerance == 0) {
                        CHECK(same_or_nan(got.at(result.name), to_stored(on, right)));
                    } else {
                        CHECK(difference(got.at(result.name), right) <= operation.torch_tolerance * on.rounding());
                    }
                });
            }
            CHECK(compared >= 2);
        }
    }
}

namespace {

/// The numeric gradients of an example, by argument.
std::map<std::string, Numeric> numeric_gradients(const Example& example) {
    std::map<std::string, Numeric> all;
    const Chain& chain = example.chain;
    for_each_result(chain, [&](const Operation&, const Operand& result) {
        const std::string argument = result.name.substr(1);
        if (result.name[0] != 'd' || example.values.count(argument) == 0) { return; }
        all.emplace(result.name, Numeric(
                                     result.name,
                                     [&](const auto& changed) {
                                         using S = typename std::decay_t<decltype(changed)>::value_type;
                                         const auto results = chain.forward.of<S>(example.values, argument, changed);
                                         S loss(0);
                                         for (const auto& [name, value] : results) {
                                             const auto upstream = example.values.find("d" + name);
                                             if (upstream != example.values.end()) {
                                                 loss += check::weighted_sum(value, upstream->second);
                                             } else if (name == "loss") {
                                                 loss += value();
                                             }
                                         }
                                         return loss;
                                     },
                                     example.values.at(argument)));
    });
    return all;
}

/// The numeric gradients of all operations, which are found once for all backends.
const std::vector<std::pair<Example, std::map<std::string, Numeric>>>& all_numeric_gradients(const Tested& operation) {
    static std::map<std::string, std::vector<std::pair<Example, std::map<std::string, Numeric>>>> known;
    auto& all = known[operation.name];
    if (!all.empty()) { return all; }
    for (Example& example : operation.gradients()) {
        INFO(operation.name << " " << example.name);
        example.values = example.chain.with_upstream(example.values, normal_numbers<double>);
        auto gradients = numeric_gradients(example);
        all.emplace_back(std::move(example), std::move(gradients));
    }
    return all;
}

} // namespace

void support::prove_gradients(const std::string& name, const Backend& on) {
    const auto found =
        std::find_if(tested().begin(), tested().end(), [&](const Tested& each) { return each.name == name; });
    REQUIRE(found != tested().end());
    const Tested& operation = *found;
    const auto in_type = [&](const Tensor<double>& gradient, const auto& f) {
        on.is_float ? f(to<float>(gradient)) : f(gradient);
    };
    std::map<std::string, std::size_t> tried;
    REQUIRE(operation.gradients);
    for (const auto& [example, numeric] : all_numeric_gradients(operation)) {
        INFO(name << " " << example.name);
        CHECK_FALSE(numeric.empty());
        const auto prove = [&, &right = numeric](const Values& results) {
            for (const auto& [gradient, exact] : right) {
                in_type(results.at(gradient), [&exact = exact](const auto& g) { exact.prove(g); });
            }
        };
        const Values results = example.chain(on, example.values);
        prove(results);
        for (const Chain& other : example.others) { prove(other(on, example.values)); }
        for (const Mistake& mistake : operation.mistakes) {
            const Tensor<double> wrong = mistake.wrong(on, example.chain, results);
            if (wrong.size() == 0) { continue; } // no mistake in this example
            ++tried[mistake.what];
            in_type(wrong,
                    [&, &right = numeric](const auto& g) { right.at(mistake.gradient).refuse(mistake.what, g); });
        }
    }
    for (const Mistake& mistake : operation.mistakes) { CHECK(tried[mistake.what] > 0); }
}
