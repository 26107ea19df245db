// Adam, AdamW, RMSprop, clipping and the schedules by steps against PyTorch's (fixtures/make_pytorch_fixtures.py), and
// what they refuse.

#include "handgrad/optim/adam.hpp"
#include "catch.hpp"
#include "fixtures/pytorch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/optim/clip_grad.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/optim/rmsprop.hpp"
#include "handgrad/optim/sgd.hpp"
#include "optim/path.hpp"
#include "support/operation.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

AdamOptions adam_options(const pytorch::Case& c) {
    AdamOptions options;
    options.lr = c.options.at("lr");
    options.betas = {c.options.at("betas").at(0), c.options.at("betas").at(1)};
    options.eps = c.options.at("eps");
    options.weight_decay = c.options.at("weight_decay");
    options.decoupled_weight_decay = c.options.at("decoupled");
    options.maximize = c.options.at("maximize");
    return options;
}

RMSpropOptions rmsprop_options(const pytorch::Case& c) {
    RMSpropOptions options;
    options.lr = c.options.at("lr");
    options.alpha = c.options.at("alpha");
    options.eps = c.options.at("eps");
    options.weight_decay = c.options.at("weight_decay");
    options.momentum = c.options.at("momentum");
    options.centered = c.options.at("centered");
    options.maximize = c.options.at("maximize");
    return options;
}

template <class T> using ParametersOf = std::vector<nn::Parameter<Cpu<T>>*>;

/// The message of the exception that a change of the options causes.
template <class Optimizer, class Options, class Change> std::string refusal_of(const Change& change) {
    return message_of<std::invalid_argument>([&] {
        Options options;
        change(options);
        Optimizer({}, options);
    });
}

Chain adam_step(const AdamOptions& options) {
    return {{"adam_step", "g -> exp_avg exp_avg_sq p=g",
             [=](auto on, auto& a) { on.adam_step(a["p"], a["g"], a["exp_avg"], a["exp_avg_sq"], 1, options); }},
            {}};
}

Chain rmsprop_step(const RMSpropOptions& options) {
    return {{"rmsprop_step", options.centered ? "g -> square_avg grad_avg momentum_buffer p=g" : "g -> square_avg p=g",
             [=](auto on, auto& a) {
                 if (options.centered) {
                     on.rmsprop_step(a["p"], a["g"], a["square_avg"], a["grad_avg"], a["momentum_buffer"], options);
                 } else { // the state that is not kept is not looked at
                     on.rmsprop_step(a["p"], a["g"], a["square_avg"], a["p"], a["p"], options);
                 }
             }},
            {}};
}

/// Each optimiser with every kind of state, first steps and later ones.
std::vector<Example> step_examples(const Shape& shape, bool of_adam) {
    const Values first{{"p", normal_numbers<double>(shape, 1)}, {"g", normal_numbers<double>(shape, 2)}};
    AdamWOptions adam;
    RMSpropOptions plain, with_all;
    with_all.centered = true;
    with_all.momentum = 0.9;
    plain.weight_decay = with_all.weight_decay = 0.2;
    std::vector<Example> all;
    for (const bool later : {false, true}) {
        const auto add = [&](const Chain& chain, std::initializer_list<const char*> state) {
            all.push_back({to_string(shape) + (later ? ", a later step" : ""), chain, first});
            double value = 1; // the mean square is larger than the square of the mean
            for (const char* name : state) {
                if (later) { all.back().values[name] = full<double>(shape, value); }
                value /= 2;
            }
        };
        if (of_adam) {
            add(adam_step(adam), {"exp_avg_sq", "exp_avg"});
        } else {
            add(rmsprop_step(plain), {"square_avg"});
            add(rmsprop_step(with_all), {"square_avg", "grad_avg", "momentum_buffer"});
        }
    }
    return all;
}

Tested tested_steps(bool of_adam) { // PyTorch's numbers are below
    Tested t;
    t.name = of_adam ? "adam_step" : "rmsprop_step";
    t.batch = [=](std::size_t n) { return step_examples({n, 7}, of_adam).back(); };
    t.is_exact = false;
    t.refusals = [=] {
        return std::vector<Refusal>{{(of_adam ? adam_step({}) : rmsprop_step({})).forward,
                                     {{"p", zeros<double>({3, 2})}, {"g", zeros<double>({2, 3})}},
                                     "g has shape (2, 3), expected (3, 2)"}};
    };
    t.aliased = [=] {
        auto all = step_examples({3, 7}, of_adam), large = step_examples({300, 1000}, of_adam);
        all.insert(all.end(), large.begin(), large.end());
        return all;
    };
    t.large = [=] {
        std::vector<Example> all;
        for (const Shape& shape : {Shape{30001, 10}, Shape{300007, 1}}) {
            for (Example& example : step_examples(shape, of_adam)) { all.push_back(std::move(example)); }
        }
        return all;
    };
    return t;
}

} // namespace

static const bool adam_and_rmsprop_are_tested =
    test_operation(tested_steps(true)) && test_operation(tested_steps(false));

TEST_CASE("adam_step counts steps from 1", "[optim]") {
    Tensor<double> p = zeros<double>({2}), m, v;
    CHECK(message_of<std::invalid_argument>([&] { cpu::adam_step(p, zeros<double>({2}), m, v, 0, AdamOptions()); }) ==
          "adam_step: t is 0, expected at least 1");
}

TEMPLATE_TEST_CASE("Adam and AdamW take PyTorch's steps with every combination of options", "[optim]",
                   HANDGRAD_BACKENDS) {
    REQUIRE(pytorch::cases("adam").size() == 48);
    for (const pytorch::Case& c : pytorch::cases("adam")) {
        check_path<TestType, optim::Adam<TestType>>(c, adam_options(c));
    }
}

TEMPLATE_TEST_CASE("RMSprop takes PyTorch's steps with every combination of options", "[optim]", HANDGRAD_BACKENDS) {
    REQUIRE(pytorch::cases("rmsprop").size() == 64);
    for (const pytorch::Case& c : pytorch::cases("rmsprop")) {
        check_path<TestType, optim::RMSprop<TestType>>(c, rmsprop_options(c));
    }
}

TEMPLATE_TEST_CASE("Adam: steps done by hand", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    nn::Parameter<B> p{tensor<T>({2}, {1, -2}), tensor<T>({2}, {0.5, -4})};
    AdamOptions options;
    options.lr = 0.25;
    options.betas = {0.5, 0.75};
    options.eps = 0;
    optim::Adam<B> adam({&p}, options);
    adam.step(); // m = g / 2 and v = g^2 / 4; corrected they are g and g^2: the sign of g alone counts
    CHECK(difference(p.value, tensor<double>({2}, {0.75, -1.75})) <= 4 * std::numeric_limits<T>::epsilon());
    CHECK(equal_numbers(adam.state(0, "exp_avg"), tensor<T>({2}, {0.25, -2})));
    CHECK(equal_numbers(adam.state(0, "exp_avg_sq"), tensor<T>({2}, {0.0625, 4})));
    CHECK(adam.states()[0].counts[0] == 1);
    p.grad = tensor<T>({2}, {0.5, -4});
    adam.step(); // the same gradient: the same step
    CHECK(difference(p.value, tensor<double>({2}, {0.5, -1.5})) <= 4 * std::numeric_limits<T>::epsilon());
    CHECK(equal_numbers(adam.state(0, "exp_avg"), tensor<T>({2}, {0.375, -3})));
    CHECK(adam.states()[0].counts[0] == 2);
    CHECK(equal_numbers(p.grad, tensor<T>({2}, {0.5, -4}))); // left as it was
}

TEMPLATE_TEST_CASE("Adam and RMSprop: cpu and reference agree to the bit, whatever the size", "[optim]", float,
                   double) {
    using T = TestType;
    for (const std::size_t size :
         {std::size_t(0), std::size_t(1), std::size_t(7), std::size_t(16), std::size_t(33), std::size_t(300007)}) {
        const auto g = normal_numbers<T>({size}, 1), start = normal_numbers<T>({size}, 2);
        for (int bits = 0; bits < 8; ++bits) {
            INFO("size " << size << ", options " << bits);
            AdamOptions adam;
            adam.weight_decay = bits & 1 ? 0.1 : 0;
            adam.decoupled_weight_decay = bits & 2;
            adam.maximize = bits & 4;
            Tensor<T> p = start, q = p, m, v, mq, vq;
            for (std::size_t t = 1; t <= 3; ++t) {
                cpu::adam_step(p, g, m, v, t, adam);
                reference::adam_step(q, g, mq, vq, t, adam);
            }
            REQUIRE((same_bits(p, q) && same_bits(m, mq) && same_bits(v, vq)));

            RMSpropOptions rms;
            rms.weight_decay = bits & 1 ? 0.1 : 0;
            rms.centered = bits & 2;
            rms.momentum = bits & 4 ? 0.9 : 0;
            rms.maximize = bits == 7;
            Tensor<T> a = start, b = a, square, average, velocity, square_b, average_b, velocity_b;
            for (int t = 0; t < 3; ++t) {
                cpu::rmsprop_step(a, g, square, average, velocity, rms);
                reference::rmsprop_step(b, g, square_b, average_b, velocity_b, rms);
            }
            REQUIRE((same_bits(a, b) && same_bits(square, square_b) && same_bits(average, average_b) &&
                     same_bits(velocity, velocity_b)));
        }
    }
}

TEMPLATE_TEST_CASE("Adam: groups, the options' text, the state", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    const auto parameter = [] { return nn::Parameter<B>{tensor<T>({2}, {1, -2}), tensor<T>({2}, {0.5, 4})}; };
    auto weight = parameter(), bias = parameter(), alone = parameter();
    AdamWOptions decayed, plain;
    decayed.weight_decay = 0.5;
    decayed.lr = 0.5;
    plain.weight_decay = 0;
    plain.lr = 0.5;
    optim::AdamW<B> both({{{&weight}, decayed}, {{&bias}, plain}});
    optim::Adam<B> single({&alone}, plain);
    both.step();
    single.step();
    CHECK(same_bits(bias.value, alone.value));
    CHECK(difference(weight.value, tensor<double>({2}, {0.25, -2})) < 1e-6); // 0.75 p - 0.5 sign(g)
    CHECK(both.options_text(0) == "AdamW(betas=(0.9, 0.999), eps=1e-08, weight_decay=0.5, maximize=false)");
    CHECK(optim::to_string(AdamOptions()) == "Adam(betas=(0.9, 0.999), eps=1e-08, weight_decay=0, maximize=false)");
    CHECK((both.keeps_state(0, 0) && both.keeps_state(1, 1)));
    CHECK(message_of<std::out_of_range>([&] { both.state(0, "momentum_buffer"); }) ==
          "Optimizer: no state 'momentum_buffer', expected one of exp_avg, exp_avg_sq");
    AdamOptions other;
    other.betas = {0.8, 0.95};
    other.maximize = true;
    CHECK(optim::to_string(other) == "Adam(betas=(0.8, 0.95), eps=1e-08, weight_decay=0, maximize=true)");
    AdamOptions l2; // AdamW decays as AdamW does, whatever the options say
    l2.weight_decay = 0.5;
    AdamWOptions changed;
    changed.decoupled_weight_decay = false;
    CHECK(optim::AdamW<B>({&weight}, changed).groups()[0].options.decoupled_weight_decay);
    CHECK_FALSE(optim::Adam<B>({&weight}, l2).groups()[0].options.decoupled_weight_decay);
}

TEST_CASE("RMSprop keeps the state that its options need", "[optim]") {
    using B = Cpu<double>;
    nn::Parameter<B> p{tensor<double>({2}, {1, -2}), tensor<double>({2}, {0.5, 4})};
    RMSpropOptions options;
    optim::RMSprop<B> plain({&p}, options);
    CHECK((plain.keeps_state(0, 0) && !plain.keeps_state(0, 1) && !plain.keeps_state(0, 2)));
    plain.step();
    CHECK(plain.state(0, "square_avg").shape() == Shape{2});
    CHECK(plain.state(0, "grad_avg").size() == 0);
    CHECK(plain.state(0, "momentum_buffer").size() == 0);
    options.centered = true;
    optim::RMSprop<B> centered({&p}, options);
    CHECK((centered.keeps_state(0, 1) && !centered.keeps_state(0, 2)));
    options.centered = false;
    options.momentum = 0.5;
    optim::RMSprop<B> with_momentum({&p}, options);
    CHECK((!with_momentum.keeps_state(0, 1) && with_momentum.keeps_state(0, 2)));
    CHECK(with_momentum.options_text(0) ==
          "RMSprop(alpha=0.99, eps=1e-08, weight_decay=0, momentum=0.5, centered=false, maximize=false)");
    CHECK(with_momentum.made_states()[0].tensors[1].shape() == Shape{0});
    CHECK(with_momentum.made_states()[0].tensors[2].shape() == Shape{2});
}

TEST_CASE("Adam and RMSprop refuse options out of range", "[optim]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    using Adam = optim::Adam<Cpu<float>>;
    using AdamW = optim::AdamW<Cpu<float>>;
    using RMSprop = optim::RMSprop<Cpu<float>>;
    const auto adam = [](auto change) { return refusal_of<Adam, AdamOptions>(change); };
    const auto rmsprop = [](auto change) { return refusal_of<RMSprop, RMSpropOptions>(change); };
    CHECK(adam([](AdamOptions&) {}) == "no exception");
    CHECK(adam([](AdamOptions& o) { o.betas = {0, 0}; }) == "no exception");
    CHECK(adam([](AdamOptions& o) { o.lr = -1; }) == "Adam: lr is -1, expected a finite number, at least 0");
    CHECK(adam([&](AdamOptions& o) { o.eps = -1e-8; }) == "Adam: eps is -1e-08, expected a finite number, at least 0");
    CHECK(adam([&](AdamOptions& o) { o.weight_decay = inf; }) ==
          "Adam: weight_decay is inf, expected a finite number, at least 0");
    CHECK(adam([](AdamOptions& o) { o.betas.first = 1; }) ==
          "Adam: a beta is 1, expected a number from 0, less than 1");
    CHECK(adam([&](AdamOptions& o) { o.betas.second = nan; }) ==
          "Adam: a beta is nan, expected a number from 0, less than 1");
    CHECK(adam([&](AdamOptions& o) { o.betas.second = -0.1; }) ==
          "Adam: a beta is -0.1, expected a number from 0, less than 1");
    CHECK(refusal_of<AdamW, AdamWOptions>([](AdamOptions& o) { o.lr = -1; }) ==
          "AdamW: lr is -1, expected a finite number, at least 0");
    CHECK(rmsprop([](RMSpropOptions&) {}) == "no exception");
    CHECK(rmsprop([](RMSpropOptions& o) { o.lr = -1; }) == "RMSprop: lr is -1, expected a finite number, at least 0");
    CHECK(rmsprop([](RMSpropOptions& o) { o.alpha = -1; }) ==
          "RMSprop: alpha is -1, expected a finite number, at least 0");
    CHECK(rmsprop([&](RMSpropOptions& o) { o.eps = nan; }) ==
          "RMSprop: eps is nan, expected a finite number, at least 0");
    CHECK(rmsprop([](RMSpropOptions& o) { o.momentum = -1; }) ==
          "RMSprop: momentum is -1, expected a finite number, at least 0");
    CHECK(rmsprop([](RMSpropOptions& o) { o.weight_decay = -1; }) ==
          "RMSprop: weight_decay is -1, expected a finite number, at least 0");
}

TEMPLATE_TEST_CASE("clip_grad_norm_ scales as PyTorch does", "[optim]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    REQUIRE(pytorch::cases("clip_grad_norm").size() == 4);
    for (const pytorch::Case& c : pytorch::cases("clip_grad_norm")) {
        INFO(c.name);
        nn::Parameter<B> a{zeros<T>({3, 5}), c.get<T>("a")}, b{zeros<T>({7}), c.get<T>("b")};
        const double max_norm = std::stod(c.options.at("max_norm").get<std::string>());
        const double norm = optim::clip_grad_norm_<B>({&a, &b}, max_norm);
        const double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
        CHECK(std::abs(norm - c.get<double>("norm")(0)) <= tolerance * norm);
        CHECK(difference(a.grad, c.get<double>("clipped_a")) <= tolerance);
        CHECK(difference(b.grad, c.get<double>("clipped_b")) <= tolerance);
    }
}

TEST_CASE("clip_grad_norm_ leaves small gradients as they are, and passes on what is not finite", "[optim]") {
    using B = Cpu<float>;
    nn::Parameter<B> p{zeros<float>({2}), tensor<float>({2}, {3, -4})};
    CHECK(optim::clip_grad_norm_<B>({&p}, 5.1) == 5);
    CHECK(same_bits(p.grad, tensor<float>({2}, {3, -4})));
    CHECK(optim::clip_grad_norm_<B>({}, 1) == 0);
    CHECK(optim::clip_grad_norm_<B>({&p}, 2.5) == 5);
    CHECK(difference(p.grad, tensor<double>({2}, {1.5, -2})) < 1e-6);
    p.grad = tensor<float>({2}, {std::numeric_limits<float>::quiet_NaN(), 1});
    CHECK(std::isnan(optim::clip_grad_norm_<B>({&p}, 1)));
    CHECK(std::isnan(p.grad(1)));
    for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK(message_of<std::invalid_argument>([&] {
                  optim::clip_grad_norm_<B>({&p}, bad);
              }).find("clip_grad_norm_: max_norm is ") == 0);
    }
}

TEST_CASE("the schedules by steps give PyTorch's learning rates", "[optim]") {
    REQUIRE(pytorch::cases("schedules").size() == 6);
    for (const pytorch::Case& c : pytorch::cases("schedules")) {
        INFO(c.name);
        SgdOptions options;
        options.lr = 0.3;
        optim::SGD<Cpu<float>> sgd(ParametersOf<float>{}, options);
        const std::size_t total = c.options.at("total");
        optim::LambdaLR scheduler(sgd,
                                  c.options.at("kind") == "cosine"
                                      ? optim::warmup_cosine(0, total, c.options.at("least"))
                                      : optim::one_cycle(total, c.options.at("pct_start"), c.options.at("div_factor"),
                                                         c.options.at("final_div_factor")));
        const auto rates = c.get<double>("rates");
        REQUIRE(rates.size() == 40);
        for (const double rate : rates) {
            CHECK(std::abs(sgd.lr() - rate) <= 8 * std::numeric_limits<double>::epsilon() * 0.3);
            scheduler.step();
        }
        CHECK(scheduler.steps() == 40);
    }
}

TEST_CASE("warm-up, cosine and resuming, by hand", "[optim]") {
    SgdOptions fast, slow;
    fast.lr = 1;
    slow.lr = 0.5;
    using B = Cpu<float>;
    optim::SGD<B> sgd({{{}, fast}, {{}, slow}});
    optim::LambdaLR scheduler(sgd, optim::warmup_cosine(4, 8, 0.5));
    const double expected[] = {
        0.2, 0.4, 0.6, 0.8, 1, 0.5 + 0.25 * (1 + std::sqrt(0.5)), 0.75, 0.5 + 0.25 * (1 - std::sqrt(0.5)),
        0.5, 0.5, 0.5};
    for (const double lr : expected) {
        CHECK(std::abs(sgd.lr(0) - lr) < 1e-15);
        CHECK(std::abs(sgd.lr(1) - lr / 2) < 1e-15);
        scheduler.step();
    }
    // A resumed run: the learning rates come from the checkpoint, the number of steps by restore().
    optim::SGD<B> resumed({{{}, fast}, {{}, slow}});
    optim::LambdaLR goes_on(resumed, optim::warmup_cosine(4, 8, 0.5));
    resumed.set_lr(0.8, 0);
    goes_on.restore(3);
    CHECK(resumed.lr(0) == 0.8);
    goes_on.step();
    CHECK((resumed.lr(0) == 1 && resumed.lr(1) == 0.5));
    goes_on.restore(7);
    goes_on.step();
    CHECK((resumed.lr(0) == 0.5 && resumed.lr(1) == 0.25));

    CHECK(message_of<std::invalid_argument>([] { optim::warmup_cosine(10, 10); }) ==
          "warmup_cosine: total is 10, expected at least 11");
    CHECK(message_of<std::invalid_argument>([] { optim::warmup_cosine(0, 10, 1.5); }) ==
          "warmup_cosine: least is 1.5, expected a number from 0 to 1");
    CHECK(message_of<std::invalid_argument>([] { optim::one_cycle(1); }) ==
          "one_cycle: total is 1, expected at least 2");
    CHECK(message_of<std::invalid_argument>([] { optim::one_cycle(10, 0.1); }) ==
          "one_cycle: pct_start is 0.1, expected more than 1 / total, less than 1");
    CHECK(message_of<std::invalid_argument>([] { optim::one_cycle(10, 1); }) ==
          "one_cycle: pct_start is 1, expected more than 1 / total, less than 1");
    CHECK(message_of<std::invalid_argument>([] { optim::one_cycle(10, 0.5, 0.5); }) ==
          "one_cycle: div_factor is 0.5, expected a finite number, at least 1");
    CHECK(message_of<std::invalid_argument>([] { optim::one_cycle(10, 0.5, 2, 0); }) ==
          "one_cycle: final_div_factor is 0, expected a finite number, at least 1");
    CHECK(message_of<std::invalid_argument>([&] { optim::LambdaLR(sgd, [](std::size_t) { return -1.0; }); }) ==
          "LambdaLR: the factor is -1, expected a finite number, at least 0");
}
