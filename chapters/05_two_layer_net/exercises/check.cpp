// Marks the coding exercises of chapter 05. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <complex>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <leaky_relu.hpp>
#include <tanh.hpp>
#include <three_layers.hpp>

using namespace handgrad;

namespace {

// formula(a_i, b_i) for every entry.
template <class F> Tensor<double>
each(const Tensor<double>& a, const Tensor<double>& b, const F& formula) {
    Tensor<double> result = a;
    for (std::size_t i = 0; i < a.size(); ++i) {
        result.data()[i] = formula(a.data()[i], b.data()[i]);
    }
    return result;
}

// ---- 05.4 ----

void compare_leaky_relu(check::Exercise& exercise, const Tensor<double>& x,
                        const Tensor<double>& dy, double alpha) {
    exercise.gradient(
        "x", x, leaky_relu_backward(x, dy, alpha),
        [&](auto y) {
            for (auto& value : y) { value *= std::real(value) > 0 ? 1 : alpha; }
            return check::weighted_sum(y, dy);
        },
        {
            {each(x, dy, [&](double v, double) { return v > 0 ? 1 : alpha; }),
             "the upstream gradient dy is left out: dx = slope * dy"},
            {each(x, dy,
                  [&](double, double d) { return d > 0 ? d : alpha * d; }),
             "the sign of dy decides: it must be the sign of x"},
            {each(x, dy, [](double v, double d) { return v > 0 ? d : 0; }),
             "negative entries get 0, as in ReLU: alpha * dy is missing"},
            {each(x, dy, [&](double v, double d) { return v > 0 ? d : alpha; }),
             "where x <= 0, the upstream gradient dy is left out"},
            {each(x, dy,
                  [&](double v, double d) { return v > 0 ? 1 : alpha * d; }),
             "where x > 0, the upstream gradient dy is left out"},
            {each(x, dy,
                  [&](double v, double d) { return v > 0 ? alpha * d : d; }),
             "the two branches are exchanged"},
            {each(x, dy, [&](double, double d) { return alpha * d; }),
             "alpha multiplies all entries: where x > 0 the slope is 1"},
            {each(x, dy,
                  [&](double v, double d) {
                      return d * (v > 0 ? v : alpha * v);
                  }),
             "dy is multiplied by y: it must be multiplied by the slope of y"},
            {each(x, dy,
                  [&](double v, double) { return v > 0 ? v : alpha * v; }),
             "y is returned: this is the backward pass"},
            {each(x, dy,
                  [&](double v, double d) { return v > 0 ? d : alpha * v; }),
             "where x <= 0, alpha multiplies x: it must multiply dy"},
            {each(x, dy,
                  [&](double v, double d) { return v > 0 ? d : -alpha * d; }),
             "the slope of the negative part is -alpha: it is alpha"},
            {each(x, dy,
                  [&](double v, double d) { return v > 0 ? d : d / alpha; }),
             "dy is divided by alpha: the backward pass multiplies by the "
             "slope"},
        });
}

void mark_leaky_relu(check::Exercise& exercise) {
    const Tensor<double> x{{-2.0, 3.0, -1.0}, {4.0, -6.0, 5.0}};
    const Tensor<double> dy{{1.0, 2.0, -4.0}, {3.0, -2.0, -6.0}};
    exercise.by_hand({{"x", x}, {"dy", dy}, {"alpha", 0.5}});
    compare_leaky_relu(exercise, x, dy, 0.5);
    NumpyRandom random(54);
    const Tensor<double> x2 = random.randn({3, 5}), dy2 = random.randn({3, 5});
    for (const double alpha : {0.01, 0.3}) {
        exercise.begin(alpha < 0.1 ? "for random numbers and alpha = 0.01"
                                   : "for random numbers and alpha = 0.3",
                       {{"x", x2}, {"dy", dy2}});
        compare_leaky_relu(exercise, x2, dy2, alpha);
    }
}

// ---- 05.5 ----

void compare_tanh(check::Exercise& exercise, const Tensor<double>& y,
                  const Tensor<double>& dy) {
    const Tensor<double> x = xt::atanh(y);
    exercise.gradient(
        "x", x, tanh_backward(y, dy),
        [&](auto y_) {
            for (auto& value : y_) { value = std::tanh(value); }
            return check::weighted_sum(y_, dy);
        },
        {
            {Tensor<double>(1 - y * y), "the upstream gradient dy is left out"},
            {Tensor<double>(dy * (1 - xt::square(xt::tanh(y)))),
             "y is taken for x: y is tanh(x) already, so no tanh is needed"},
            {Tensor<double>(dy * (1 - y)), "the square of y is missing"},
            {Tensor<double>(dy * (1 + y * y)),
             "y^2 is added: the derivative is 1 - y^2"},
            {Tensor<double>(dy * (y * y - 1)),
             "the sign is wrong: the derivative is 1 - y^2"},
            {Tensor<double>(dy - y * y), "only 1 is multiplied by dy: 1 - y^2 "
                                         "needs parentheses"},
            {Tensor<double>(dy * y * y),
             "1 - is missing: the derivative is 1 - y^2"},
            {Tensor<double>(dy * y * (1 - y)),
             "the derivative of sigmoid is taken, y (1 - y)"},
            {Tensor<double>(dy * y),
             "dy is multiplied by y: it must be multiplied "
             "by the derivative, 1 - y^2"},
            {Tensor<double>(y * (1 - dy * dy)), "y and dy are exchanged"},
            {Tensor<double>(dy * (1 - y * y) * (1 - y * y)),
             "the derivative is a factor twice"},
            {Tensor<double>(xt::tanh(y)), "y is put through tanh once more"},
        });
}

void mark_tanh(check::Exercise& exercise) {
    const Tensor<double> y{{0.0, 0.5, -0.5}, {0.5, 0.0, -0.5}};
    const Tensor<double> dy{{1.0, 4.0, -4.0}, {8.0, -2.0, 4.0}};
    exercise.by_hand({{"y", y}, {"dy", dy}});
    compare_tanh(exercise, y, dy);
    NumpyRandom random(55);
    const Tensor<double> x2 = random.randn({3, 5}), dy2 = random.randn({3, 5});
    const Tensor<double> y2 = xt::tanh(x2);
    exercise.begin("for random numbers", {{"y", y2}, {"dy", dy2}});
    compare_tanh(exercise, y2, dy2);
}

// ---- 05.6 ----

// Another scalar for everything, and another value for one of the parameters.
template <class T> T loss_with(const Tensor<T>& value,
                               Tensor<T> ThreeLayers<T>::*which,
                               const ThreeLayers<double>& net,
                               const Tensor<double>& x, const Labels& y) {
    using check::cast;
    ThreeLayers<T> other{cast<T>(net.w1), cast<T>(net.b1), cast<T>(net.w2),
                         cast<T>(net.b2), cast<T>(net.w3), cast<T>(net.b3)};
    other.*which = value;
    return forward(other, cast<T>(x), y).loss;
}

// The backward pass whose steps can be replaced by wrong ones.
struct Backward {
    using Step = std::function<Tensor<double>(const Steps<double>&,
                                              const Tensor<double>&)>;
    std::string cause;
    Step through_relu = [](const auto& s, const auto& do1) {
        return reference::relu_backward(s.z1, do1);
    };
    Step through_tanh = [](const auto& s, const auto& do2) {
        return reference::tanh_backward(s.o2, do2);
    };
    Step through_loss = [](const auto&, const auto& dz3) { return dz3; };

    ThreeLayers<double> operator()(const ThreeLayers<double>& net,
                                   const Steps<double>& s,
                                   const Tensor<double>& x,
                                   const Labels& y) const {
        namespace ops = handgrad::reference;
        const auto dz3 = through_loss(s, ops::cross_entropy_backward(s.p, y));
        const auto third = ops::linear_backward(s.o2, net.w3, dz3);
        const auto second =
            ops::linear_backward(s.o1, net.w2, through_tanh(s, third.dx));
        const auto first =
            ops::linear_backward(x, net.w1, through_relu(s, second.dx));
        return {first.dw, first.db, second.dw, second.db, third.dw, third.db};
    }
};

std::vector<Backward> wrong_backwards() {
    namespace ops = handgrad::reference;
    const auto pass = [](const auto&, const auto& dy) { return dy; };
    std::vector<Backward> wrong;
    const auto add = [&](const std::string& cause) -> Backward& {
        wrong.emplace_back();
        wrong.back().cause = cause;
        return wrong.back();
    };
    add("ReLU is left out on the way back: dz1 = do1").through_relu = pass;
    add("tanh is left out on the way back: dz2 = do2").through_tanh = pass;
    Backward& both = add("both activations are left out on the way back");
    both.through_relu = both.through_tanh = pass;
    add("tanh_backward is given z2: it needs tanh's result, o2").through_tanh =
        [](const auto& s, const auto& dy) {
            return ops::tanh_backward(s.z2, dy);
        };
    add("the second activation is taken for ReLU: it is tanh").through_tanh =
        [](const auto& s, const auto& dy) {
            return ops::relu_backward(s.z2, dy);
        };
    add("the first activation is taken for tanh: it is ReLU").through_relu =
        [](const auto& s, const auto& dy) {
            return ops::tanh_backward(s.o1, dy);
        };
    Backward& exchanged = add("the activations are exchanged: ReLU follows the "
                              "first layer, tanh the second");
    exchanged.through_tanh = [](const auto& s, const auto& dy) {
        return ops::relu_backward(s.z2, dy);
    };
    exchanged.through_relu = [](const auto& s, const auto& dy) {
        return ops::tanh_backward(s.o1, dy);
    };
    add("ReLU's mask comes from the gradient do1: it must come from z1")
        .through_relu = [](const auto&, const auto& dy) {
        return ops::relu_backward(dy, dy);
    };
    add("the loss is left out on the way back: dz3 is p minus 1[k = y], over N")
        .through_loss = [](const auto& s, const auto&) { return s.p; };
    add("dz3 is the scores: it is p minus 1[k = y], over N").through_loss =
        [](const auto& s, const auto&) { return s.z3; };
    return wrong;
}

void compare_three_layers(check::Exercise& exercise,
                          const ThreeLayers<double>& net,
                          const Tensor<double>& x, const Labels& y) {
    using D = ThreeLayers<double>;
    using C = ThreeLayers<std::complex<double>>;
    const Steps<double> steps = forward(net, x, y);
    const D g = backward(net, steps, x, y);
    exercise.extents({{"N", x.shape(0)},
                      {"D", x.shape(1)},
                      {"M_1", net.b1.size()},
                      {"M_2", net.b2.size()},
                      {"K", net.b3.size()}});
    std::vector<std::pair<D, std::string>> wrong;
    for (const Backward& mistaken : wrong_backwards()) {
        wrong.emplace_back(mistaken(net, steps, x, y), mistaken.cause);
    }
    const D right = Backward{}(net, steps, x, y);
    const auto check_one = [&](const char* name, auto D::*real,
                               auto C::*complex, const char* from) {
        check::Mistakes mistakes;
        for (const auto& [gradients, cause] : wrong) {
            mistakes.push_back({gradients.*real, cause});
        }
        mistakes.push_back({net.*real, "the parameter itself is returned: this "
                                       "gradient was not computed"});
        for (const auto other :
             {&D::w1, &D::b1, &D::w2, &D::b2, &D::w3, &D::b3}) {
            mistakes.push_back({right.*other,
                                "the gradient of another parameter is "
                                "stored in its place"});
        }
        exercise.otherwise(from);
        exercise.gradient(
            name, net.*real, g.*real,
            [&](const auto& v) { return loss_with(v, complex, net, x, y); },
            mistakes);
    };
    // From the loss backwards: the first wrong gradient is next to the error.
    check_one("w3", &D::w3, &C::w3,
              "dw3 comes from o2 and dz3, so one of these is wrong");
    check_one("b3", &D::b3, &C::b3, "db3 comes from dz3, so dz3 is wrong");
    check_one(
        "w2", &D::w2, &C::w2,
        "dw3 is right, so the error is between do2 and dw2: at tanh, or in "
        "the arguments of the second linear_backward");
    check_one("b2", &D::b2, &C::b2, "dw2 and db2 come from the same dz2");
    check_one(
        "w1", &D::w1, &C::w1,
        "dw2 is right, so the error is between do1 and dw1: at ReLU, or in "
        "the arguments of the first linear_backward");
    check_one("b1", &D::b1, &C::b1, "dw1 and db1 come from the same dz1");
}

void mark_three_layers(check::Exercise& exercise) {
    const ThreeLayers<double> small{{{1.0, -1.0}, {0.0, 1.0}}, {0.0, 0.0},
                                    {{1.0, 0.0}, {-1.0, 1.0}}, {0.0, 0.0},
                                    {{1.0, -1.0}, {0.0, 2.0}}, {0.0, 0.0}};
    const Tensor<double> x{{1.0, 2.0}, {2.0, -1.0}};
    const Labels y{1, 0};
    const Steps<double> s = forward(small, x, y);
    exercise.by_hand({{"x", x},
                      {"y", y},
                      {"w1", small.w1},
                      {"w2", small.w2},
                      {"w3", small.w3},
                      {"biases", "all 0"},
                      {"z1", s.z1},
                      {"o1", s.o1},
                      {"z2", s.z2},
                      {"o2", s.o2},
                      {"z3", s.z3},
                      {"p", s.p}});
    compare_three_layers(exercise, small, x, y);

    NumpyRandom random(56);
    const Tensor<double> x2 = random.randn({6, 2});
    const ThreeLayers<double> net{random.randn({2, 5}), random.randn({5}),
                                  random.randn({5, 4}), random.randn({4}),
                                  random.randn({4, 3}), random.randn({3})};
    exercise.begin("for random numbers");
    compare_three_layers(exercise, net, x2, {0, 1, 2, 2, 1, 0});
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("05.4", "leaky_relu_backward", "leaky_relu.hpp",
                  mark_leaky_relu);
    exercises.add("05.5", "tanh_backward", "tanh.hpp", mark_tanh);
    exercises.add("05.6", "backward", "three_layers.hpp", mark_three_layers);
    return exercises.main(argc, argv);
}
