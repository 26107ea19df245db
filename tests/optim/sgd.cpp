// SGD and the schedulers against PyTorch's (fixtures/make_pytorch_fixtures.py), and what they refuse.

#include "handgrad/optim/sgd.hpp"
#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "optim/path.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

SgdOptions sgd_options(const pytorch::Case& c) {
    SgdOptions options;
    options.lr = c.options.at("lr");
    options.momentum = c.options.at("momentum");
    options.dampening = c.options.at("dampening");
    options.weight_decay = c.options.at("weight_decay");
    options.nesterov = c.options.at("nesterov");
    options.maximize = c.options.at("maximize");
    return options;
}

/// An optimiser of nothing, with a step size to be scheduled.
template <class B = Cpu<float>> optim::SGD<B> idle(double lr) {
    SgdOptions options;
    options.lr = lr;
    return {std::vector<nn::Parameter<B>*>{}, options};
}

} // namespace

TEMPLATE_TEST_CASE("SGD takes PyTorch's steps with every combination of options", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    REQUIRE(pytorch::cases("sgd").size() == 20);
    for (const pytorch::Case& c : pytorch::cases("sgd")) { check_path<B, optim::SGD<B>>(c, sgd_options(c)); }
}

TEMPLATE_TEST_CASE("SGD: cpu and reference agree to the bit, whatever the size", "[optim]", float, double) {
    using T = TestType;
    for (const std::size_t size : {1, 7, 16, 511, 512, 513, 300007}) {
        for (int bits = 0; bits < 32; ++bits) {
            SgdOptions options;
            options.lr = 0.1;
            options.momentum = bits & 1 ? 0.9 : 0;
            options.dampening = bits & 2 ? 0.25 : 0;
            options.weight_decay = bits & 4 ? 0.01 : 0;
            options.nesterov = bits & 8;
            options.maximize = bits & 16;
            if (size > 1000 && bits % 7 != 0) { continue; }
            INFO("size " << size << ", options " << bits);
            const auto g = normal_numbers<T>({size}, 1);
            Tensor<T> p = normal_numbers<T>({size}, 2), q = p, v, u;
            for (int step = 0; step < 3; ++step) {
                cpu::sgd_step(p, g, v, options);
                reference::sgd_step(q, g, u, options);
            }
            REQUIRE(same_bits(p, q));
            REQUIRE(same_bits(v, u));
        }
    }
}

TEMPLATE_TEST_CASE("SGD: steps done by hand", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::Parameter<B> p{tensor<T>({2}, {1, -2}), tensor<T>({2}, {0.5, 4})};
    SgdOptions options;
    options.lr = 0.5;
    options.momentum = 0.5;
    optim::SGD<B> sgd({&p}, options);
    sgd.step(); // v = g
    CHECK(equal_numbers(p.value, tensor<T>({2}, {0.75, -4})));
    sgd.step(); // v = 0.5 v + g
    CHECK(equal_numbers(p.value, tensor<T>({2}, {0.375, -7})));
    CHECK(equal_numbers(sgd.state(0, "momentum_buffer"), tensor<T>({2}, {0.75, 6})));
    CHECK(equal_numbers(p.grad, tensor<T>({2}, {0.5, 4}))); // left as it was
    sgd.zero_grad();
    CHECK(equal_numbers(p.grad, zeros<T>({2})));
}

TEMPLATE_TEST_CASE("SGD: a parameter of one number, with dampening", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::Parameter<B> p{full<T>({}, T(1)), full<T>({}, T(2))};
    SgdOptions options;
    options.lr = 0.25;
    options.momentum = 0.5;
    options.dampening = 0.5;
    optim::SGD<B> sgd({&p}, options);
    sgd.step(); // the first velocity is not dampened
    CHECK(p.value() == T(0.5));
    sgd.step(); // v = 0.5 * 2 + 0.5 * 2
    CHECK(p.value() == T(0));
}

TEST_CASE("SGD refuses what PyTorch refuses", "[optim]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    const auto refusal = [](auto change) {
        return message_of<std::invalid_argument>([&] {
            SgdOptions options;
            change(options);
            optim::SGD<Cpu<float>>({}, options);
        });
    };
    CHECK(refusal([](SgdOptions&) {}) == "no exception");
    CHECK(refusal([](SgdOptions& o) { o.lr = 0; }) == "no exception");
    CHECK(refusal([](SgdOptions& o) { o.lr = -0.1; }) == "SGD: lr is -0.1, expected a finite number, at least 0");
    CHECK(refusal([&](SgdOptions& o) { o.lr = nan; }) == "SGD: lr is nan, expected a finite number, at least 0");
    CHECK(refusal([&](SgdOptions& o) { o.lr = inf; }) == "SGD: lr is inf, expected a finite number, at least 0");
    CHECK(refusal([](SgdOptions& o) { o.momentum = -1; }) ==
          "SGD: momentum is -1, expected a finite number, at least 0");
    CHECK(refusal([](SgdOptions& o) { o.weight_decay = -1; }) ==
          "SGD: weight_decay is -1, expected a finite number, at least 0");
    CHECK(refusal([&](SgdOptions& o) { o.dampening = nan; }) == "SGD: dampening is nan, expected a finite number");
    CHECK(refusal([](SgdOptions& o) { o.nesterov = true; }) == "SGD: momentum is 0, expected more than 0 for nesterov");
    CHECK(refusal([](SgdOptions& o) {
              o.nesterov = true;
              o.momentum = 0.9;
              o.dampening = 0.5;
          }) == "SGD: dampening is 0.5, expected 0 for nesterov");

    auto sgd = idle(0.5);
    CHECK_THROWS_AS(sgd.set_lr(-1), std::invalid_argument);
    CHECK_THROWS_AS(sgd.set_lr(nan), std::invalid_argument);
    CHECK(sgd.lr() == 0.5);
}

TEST_CASE("ExponentialLR and StepLR give PyTorch's step sizes", "[optim]") {
    REQUIRE(pytorch::cases("schedulers").size() == 4);
    for (const pytorch::Case& c : pytorch::cases("schedulers")) {
        INFO(c.name);
        auto sgd = idle(0.3);
        const double gamma = c.options.at("gamma");
        optim::ExponentialLR exponential(sgd, gamma);
        optim::StepLR step(sgd, c.options.value("step_size", 1), gamma);
        const auto rates = c.get<double>("rates");
        REQUIRE(rates.size() == 10);
        for (const double lr : rates) {
            if (c.options.contains("step_size")) {
                step.step();
            } else {
                exponential.step();
            }
            CHECK(sgd.lr() == lr); // to the bit
        }
    }
}

TEST_CASE("schedulers refuse factors that are none", "[optim]") {
    auto sgd = idle(0.3);
    CHECK(message_of<std::invalid_argument>([&] { optim::ExponentialLR(sgd, 0); }) ==
          "ExponentialLR: gamma is 0, expected a finite number above 0");
    CHECK_THROWS_AS(optim::ExponentialLR(sgd, std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    CHECK(message_of<std::invalid_argument>([&] { optim::StepLR(sgd, 0); }) ==
          "StepLR: step_size is 0, expected at least 1");
    CHECK_THROWS_AS(optim::StepLR(sgd, 1, -0.5), std::invalid_argument);
}

TEMPLATE_TEST_CASE("SGD: each group of parameters takes steps with its own options", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto parameter = [] { return nn::Parameter<B>{tensor<T>({2}, {1, -2}), tensor<T>({2}, {0.5, 4})}; };
    auto a = parameter(), b = parameter(), c = parameter(), alone = parameter();
    SgdOptions decayed, plain;
    decayed.lr = 0.5;
    decayed.momentum = 0.5;
    decayed.weight_decay = 0.25;
    plain.lr = 0.125;
    optim::SGD<B> sgd({{{&a, &b}, decayed}, {{&c}, plain}}), single({&alone}, decayed);
    optim::Optimizer<B>& base = sgd;
    CHECK(base.parameters() == std::vector<nn::Parameter<B>*>{&a, &b, &c});
    CHECK(base.group_count() == 2);
    CHECK((base.group_of(0) == 0 && base.group_of(1) == 0 && base.group_of(2) == 1));
    CHECK((base.keeps_state(0, 0) && !base.keeps_state(1, 0)));
    for (int step = 0; step < 3; ++step) {
        base.step();
        single.step();
    }
    CHECK(same_bits(a.value, alone.value));
    CHECK(same_bits(b.value, alone.value));
    CHECK(equal_numbers(c.value, tensor<T>({2}, {0.8125, -3.5})));
    CHECK(same_bits(base.state(1, "momentum_buffer"), single.state(0, "momentum_buffer")));
    CHECK(base.state(2, "momentum_buffer").size() == 0);

    optim::ExponentialLR scheduler(sgd, 0.5); // the learning rate of every group
    scheduler.step();
    CHECK((base.lr(0) == 0.25 && base.lr(1) == 0.0625));
    base.set_lr(1, 1);
    CHECK((base.lr() == 0.25 && base.lr(1) == 1));
    base.set_lr(2.0);
    CHECK((base.lr(0) == 2 && base.lr(1) == 2));
    base.zero_grad();
    CHECK((equal_numbers(b.grad, zeros<T>({2})) && equal_numbers(c.grad, zeros<T>({2}))));

    CHECK(base.options_text(1) == "SGD(momentum=0, dampening=0, weight_decay=0, nesterov=false, maximize=false)");
    CHECK(message_of<std::out_of_range>([&] { base.state(0, "exp_avg"); }) ==
          "Optimizer: no state 'exp_avg', expected one of momentum_buffer");
    CHECK(message_of<std::invalid_argument>([&] {
              optim::SGD<B>({{{&a}, plain}, {{&b, &a}, plain}});
          }) == "Optimizer: a parameter appears twice, expected each in one group");
    plain.lr = -1;
    CHECK(message_of<std::invalid_argument>([&] {
              optim::SGD<B>({{{&a}, decayed}, {{&b}, plain}});
          }) == "SGD: lr is -1, expected a finite number, at least 0");
}

TEST_CASE("an optimiser names its parameters as the model does, in its own order", "[optim]") {
    using B = Cpu<float>;
    Random random(1);
    nn::Sequential<B> model;
    const auto& layer = model.add<nn::Linear<B>>(3, 2, random);
    model.add<nn::ReLU<B>>();
    SgdOptions options;
    options.momentum = 0.5;
    const auto all = model.parameters();
    optim::SGD<B> sgd({{{all[1]}, options}, {{all[0]}, options}});
    CHECK(sgd.names_in(model) == std::vector<std::string>{"0.bias", "0.weight"});
    auto states = sgd.made_states();
    const auto named = sgd.named_states(states, model);
    REQUIRE(named.size() == 2);
    CHECK((named[0].first == "momentum_buffer.0.bias" && named[0].second->shape() == Shape{2}));
    CHECK((named[1].first == "momentum_buffer.0.weight" && named[1].second->shape() == Shape{3, 2}));
    CHECK(sgd.names_in(layer) == std::vector<std::string>{"bias", "weight"});
    nn::Linear<B> other(3, 2, random);
    CHECK(message_of<std::invalid_argument>([&] { sgd.names_in(other); }) ==
          "the optimizer has a parameter that is not the model's");
}
