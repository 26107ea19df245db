// Marks the coding exercises of chapter 07. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>

#include <adam.hpp>
#include <momentum.hpp>
#include <nesterov.hpp>

using namespace handgrad;

namespace {

// What an optimiser has for one parameter: its value and two states, of which
// only Adam uses the second.
struct State {
    double w, v, s;
};

// One step of one parameter: the new state, from the gradient and t = 1, 2, ...
using Rule = std::function<State(State, double dw, int t)>;

// An optimiser as the reader writes it, on tensors.
using Step =
    std::function<void(Tensor<double>& w, Tensor<double>& v, Tensor<double>& s,
                       const Tensor<double>& dw, int t)>;

// A rule that is wrong, and why.
struct WrongRule {
    std::string cause;
    Rule rule;
};

// A case: where it starts, the gradients of its steps, and the names of the
// states that are compared after each step.
struct Path {
    Tensor<double> start;
    std::vector<Tensor<double>> gradients;
    std::vector<std::string> states;
};

// The states after the first t steps of a rule: w, v and s, each as a tensor.
std::vector<Tensor<double>> follow(const Path& path, const Rule& rule,
                                   std::size_t t) {
    std::vector<Tensor<double>> result(3, path.start);
    for (std::size_t i = 0; i < path.start.size(); ++i) {
        State state{path.start(i), 0, 0};
        for (std::size_t step = 0; step < t; ++step) {
            state = rule(state, path.gradients[step](i),
                         static_cast<int>(step) + 1);
        }
        result[0](i) = state.w;
        result[1](i) = state.v;
        result[2](i) = state.s;
    }
    return result;
}

// Makes the reader's steps and compares the states after each of them, the
// parameter last. What is wrong in the first step is easiest to find.
void compare_steps(check::Exercise& exercise, const Path& path,
                   const Step& step, const Rule& right,
                   const std::vector<WrongRule>& wrong) {
    Tensor<double> w = path.start, v = zeros<double>(w.shape()), s = v;
    for (std::size_t t = 1; t <= path.gradients.size(); ++t) {
        step(w, v, s, path.gradients[t - 1], static_cast<int>(t));
        const std::vector<Tensor<double>> expected = follow(path, right, t);
        std::vector<std::vector<Tensor<double>>> mistaken;
        for (const auto& [cause, rule] : wrong) {
            mistaken.push_back(follow(path, rule, t));
        }
        const Tensor<double>* got[] = {&w, &v, &s};
        for (const std::size_t state : {1, 2, 0}) {
            if (state >= path.states.size()) { continue; }
            check::Mistakes mistakes;
            for (std::size_t m = 0; m < wrong.size(); ++m) {
                mistakes.push_back({mistaken[m][state], wrong[m].cause});
            }
            // An optimiser that returns zeros or the start has done nothing.
            mistakes.push_back(
                {t == 1 && state == 0 ? path.start : Tensor<double>(),
                 "w is not changed: is this still the stub?"});
            if (state != 0) {
                mistakes.push_back(
                    {zeros<double>(w.shape()),
                     "nothing is stored in " + path.states[state] +
                         ": it is changed in place, for the next step (or is "
                         "this still the stub?)"});
            }
            exercise.value(path.states[state] + " after step " +
                               std::to_string(t),
                           *got[state], expected[state], mistakes);
        }
    }
}

// ---- 07.4 ----

void compare_momentum(check::Exercise& exercise, const Path& path, double lr,
                      double beta, double dampening) {
    const double d = 1 - dampening;
    const Rule right = [=](State s, double dw, int) {
        s.v = beta * s.v + d * dw;
        return State{s.w - lr * s.v, s.v, 0};
    };
    compare_steps(exercise, path,
                  [=](auto& w, auto& v, auto&, const auto& dw, int) {
                      momentum_step(w, v, dw, lr, beta, dampening);
                  },
                  right,
                  {
                      {"the factor 1 - dampening is missing",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + dw;
                           return State{s.w - lr * s.v, s.v, 0};
                       }},
                      {"dw has the factor dampening: it is 1 - dampening",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + dampening * dw;
                           return State{s.w - lr * s.v, s.v, 0};
                       }},
                      {"w moves along the old velocity: update v first",
                       [=](State s, double dw, int) {
                           return State{s.w - lr * s.v, beta * s.v + d * dw, 0};
                       }},
                      {"the old velocity is lost: beta v is missing",
                       [=](State s, double dw, int) {
                           s.v = d * dw;
                           return State{s.w - lr * s.v, s.v, 0};
                       }},
                      {"the velocity is not multiplied by beta",
                       [=](State s, double dw, int) {
                           s.v += d * dw;
                           return State{s.w - lr * s.v, s.v, 0};
                       }},
                      {"the old velocity is dampened as well: only dw is",
                       [=](State s, double dw, int) {
                           s.v = d * (beta * s.v + dw);
                           return State{s.w - lr * s.v, s.v, 0};
                       }},
                      {"w moves along dw and not along v",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + d * dw;
                           return State{s.w - lr * dw, s.v, 0};
                       }},
                      {"the step is added: w goes uphill",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + d * dw;
                           return State{s.w + lr * s.v, s.v, 0};
                       }},
                      {"the learning rate is in the velocity: it belongs to "
                       "the step of w",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + lr * d * dw;
                           return State{s.w - s.v, s.v, 0};
                       }},
                      {"the learning rate is missing",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v + d * dw;
                           return State{s.w - s.v, s.v, 0};
                       }},
                      {"the gradient is subtracted from the velocity: it is "
                       "added, and the "
                       "step is subtracted from w",
                       [=](State s, double dw, int) {
                           s.v = beta * s.v - d * dw;
                           return State{s.w + lr * s.v, s.v, 0};
                       }},
                  });
}

void mark_momentum(check::Exercise& exercise) {
    const Path small{
        {4.0, 8.0, -4.0}, {{2.0, -4.0, 8.0}, {2.0, 2.0, 0.0}}, {"w", "v"}};
    exercise.by_hand({{"w at the start", small.start},
                      {"v at the start", zeros<double>({3})},
                      {"dw of step 1", small.gradients[0]},
                      {"dw of step 2", small.gradients[1]},
                      {"lr", 0.5},
                      {"beta", 0.5},
                      {"dampening", 0.25}});
    compare_momentum(exercise, small, 0.5, 0.5, 0.25);
    const Path longer{{1.0, -2.0, 0.5},
                      {{0.5, -1.0, 2.0},
                       {0.25, 1.0, -2.0},
                       {-1.0, 0.5, 0.125},
                       {4.0, -0.5, 0.0}},
                      {"w", "v"}};
    exercise.begin("with lr = 0.1, beta = 0.9, dampening = 0.3");
    compare_momentum(exercise, longer, 0.1, 0.9, 0.3);
}

// ---- 07.5 ----

void compare_nesterov(check::Exercise& exercise, const Path& path, double lr,
                      double beta, double lambda) {
    const Rule right = [=](State s, double dw, int) {
        const double g = dw + lambda * s.w;
        s.v = beta * s.v + g;
        return State{s.w - lr * (beta * s.v + g), s.v, 0};
    };
    compare_steps(
        exercise, path,
        [=](auto& w, auto& v, auto&, const auto& dw, int) {
            nesterov_step(w, v, dw, lr, beta, lambda);
        },
        right,
        {
            {"the weight decay, lambda * w, is missing in the gradient",
             [=](State s, double dw, int) {
                 s.v = beta * s.v + dw;
                 return State{s.w - lr * (beta * s.v + dw), s.v, 0};
             }},
            {"w moves along the new velocity v, as without Nesterov: it moves "
             "along beta v + gradient",
             [=](State s, double dw, int) {
                 s.v = beta * s.v + dw + lambda * s.w;
                 return State{s.w - lr * s.v, s.v, 0};
             }},
            {"weight decay shrinks w directly: here lambda * w is part of the "
             "gradient, and so of the velocity",
             [=](State s, double dw, int) {
                 s.v = beta * s.v + dw;
                 return State{s.w - lr * (beta * s.v + dw) - lr * lambda * s.w,
                              s.v, 0};
             }},
            {"the step uses dw without weight decay: use the same gradient in "
             "both "
             "places",
             [=](State s, double dw, int) {
                 s.v = beta * s.v + dw + lambda * s.w;
                 return State{s.w - lr * (beta * s.v + dw), s.v, 0};
             }},
            {"the factor beta is missing in the step: beta v + gradient",
             [=](State s, double dw, int) {
                 const double g = dw + lambda * s.w;
                 s.v = beta * s.v + g;
                 return State{s.w - lr * (s.v + g), s.v, 0};
             }},
            {"the gradient is missing in the step: beta v + gradient",
             [=](State s, double dw, int) {
                 s.v = beta * s.v + dw + lambda * s.w;
                 return State{s.w - lr * beta * s.v, s.v, 0};
             }},
            {"weight decay has the wrong sign",
             [=](State s, double dw, int) {
                 const double g = dw - lambda * s.w;
                 s.v = beta * s.v + g;
                 return State{s.w - lr * (beta * s.v + g), s.v, 0};
             }},
            {"weight decay has a factor 1/2: the derivative of w^2 / 2 is w",
             [=](State s, double dw, int) {
                 const double g = dw + lambda / 2 * s.w;
                 s.v = beta * s.v + g;
                 return State{s.w - lr * (beta * s.v + g), s.v, 0};
             }},
            {"weight decay has a factor 2: the derivative of w^2 / 2 is w",
             [=](State s, double dw, int) {
                 const double g = dw + 2 * lambda * s.w;
                 s.v = beta * s.v + g;
                 return State{s.w - lr * (beta * s.v + g), s.v, 0};
             }},
            {"the old velocity is lost: beta v is missing in the new v",
             [=](State s, double dw, int) {
                 const double g = dw + lambda * s.w;
                 s.v = g;
                 return State{s.w - lr * (beta * s.v + g), s.v, 0};
             }},
            {"the velocity that is stored is that of the next step: store "
             "beta v + gradient once",
             [=](State s, double dw, int) {
                 const double g = dw + lambda * s.w;
                 s.v = beta * (beta * s.v + g) + g;
                 return State{s.w - lr * s.v, s.v, 0};
             }},
            {"the step is added: w goes uphill",
             [=](State s, double dw, int) {
                 const double g = dw + lambda * s.w;
                 s.v = beta * s.v + g;
                 return State{s.w + lr * (beta * s.v + g), s.v, 0};
             }},
        });
}

void mark_nesterov(check::Exercise& exercise) {
    const Path small{
        {2.0, -2.0, 4.0}, {{1.0, 3.0, 2.0}, {2.0, 0.0, -2.0}}, {"w", "v"}};
    exercise.by_hand({{"w at the start", small.start},
                      {"v at the start", zeros<double>({3})},
                      {"dw of step 1", small.gradients[0]},
                      {"dw of step 2", small.gradients[1]},
                      {"lr", 0.5},
                      {"beta", 0.5},
                      {"lambda", 0.5}});
    compare_nesterov(exercise, small, 0.5, 0.5, 0.5);

    // The numbers of torch.optim.SGD, PyTorch 1.13, in double precision.
    const Path longer{{1.0, -2.0, 0.5},
                      {{0.5, -1.0, 2.0},
                       {0.25, 1.0, -2.0},
                       {-1.0, 0.5, 0.125},
                       {4.0, -0.5, 0.0}},
                      {"w", "v"}};
    const std::vector<Tensor<double>> pytorch = {
        {0.9031, -1.8062, 0.11904999999999999},
        {0.81257411, -1.91014822, 0.336418805},
        {0.942869708191, -2.006697916382, 0.3277686787705},
        {0.20907561081633702, -1.9514990504826741, 0.33091358159878603}};
    exercise.begin("with lr = 0.1, beta = 0.9, lambda = 0.01");
    compare_nesterov(exercise, longer, 0.1, 0.9, 0.01);
    exercise.begin("of PyTorch");
    Tensor<double> w = longer.start, v = zeros<double>(w.shape());
    for (std::size_t t = 0; t < pytorch.size(); ++t) {
        nesterov_step(w, v, longer.gradients[t], 0.1, 0.9, 0.01);
        exercise.value("w after step " + std::to_string(t + 1), w, pytorch[t]);
    }
}

// ---- 07.6 ----

// The constants and details of Adam that can be wrong.
struct Adam {
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    bool correct_mean = true, correct_square = true, root = true, square = true;
    bool weight_mean = true, weight_square = true;
    bool eps_inside = false, first_t = false, with_dw = false, uphill = false;

    State operator()(State s, double dw, int t, double lr) const {
        if (first_t) { t = 1; }
        s.v = beta1 * s.v + (weight_mean ? 1 - beta1 : 1) * dw;
        s.s = beta2 * s.s +
              (weight_square ? 1 - beta2 : 1) * (square ? dw * dw : dw);
        const double mean = s.v / (correct_mean ? 1 - std::pow(beta1, t) : 1);
        const double second =
            s.s / (correct_square ? 1 - std::pow(beta2, t) : 1);
        double divisor = second + eps;
        if (root) { divisor = std::sqrt(second) + eps; }
        if (eps_inside) { divisor = std::sqrt(second + eps); }
        const double step = lr * (with_dw ? dw : mean) / divisor;
        return {uphill ? s.w + step : s.w - step, s.v, s.s};
    }
};

void compare_adam(check::Exercise& exercise, const Path& path, double lr) {
    std::vector<WrongRule> wrong;
    const auto add = [&](const std::string& cause, const auto& change) {
        Adam adam;
        change(adam);
        wrong.push_back({cause, [=](State s, double dw, int t) {
                             return adam(s, dw, t, lr);
                         }});
    };
    add("the divisor 1 - beta1^t of mean is missing",
        [](Adam& a) { a.correct_mean = false; });
    add("the divisor 1 - beta2^t of square is missing",
        [](Adam& a) { a.correct_square = false; });
    add("the divisors 1 - beta^t are missing",
        [](Adam& a) { a.correct_mean = a.correct_square = false; });
    add("the divisors are 1 - beta: they are 1 - beta^t",
        [](Adam& a) { a.first_t = true; });
    add("the square root is missing", [](Adam& a) { a.root = false; });
    add("eps is inside the square root: it is added to the root",
        [](Adam& a) { a.eps_inside = true; });
    add("eps is left out", [](Adam& a) { a.eps = 0; });
    add("beta1 and beta2 are exchanged",
        [](Adam& a) { std::swap(a.beta1, a.beta2); });
    add("dw is not squared in square", [](Adam& a) { a.square = false; });
    add("the factor 1 - beta1 of dw is missing",
        [](Adam& a) { a.weight_mean = false; });
    add("the factor 1 - beta2 of dw^2 is missing",
        [](Adam& a) { a.weight_square = false; });
    add("the factors 1 - beta are missing",
        [](Adam& a) { a.weight_mean = a.weight_square = false; });
    add("dw stands in the step in place of the mean",
        [](Adam& a) { a.with_dw = true; });
    add("the step is added: w goes uphill", [](Adam& a) { a.uphill = true; });
    compare_steps(
        exercise, path,
        [=](auto& w, auto& mean, auto& square, const auto& dw, int t) {
            adam_step(w, mean, square, dw, lr, t);
        },
        [=](State s, double dw, int t) { return Adam{}(s, dw, t, lr); }, wrong);
}

void mark_adam(check::Exercise& exercise) {
    // The first step has the length lr = 1, up to eps.
    const Path small{{1.0, 2.0, -1.0},
                     {{1.0, -4.0, 5.0}, {0.0, 4.0, 10.0}},
                     {"w", "mean", "square"}};
    exercise.by_hand({{"w at the start", small.start},
                      {"mean and square", "0 at the start"},
                      {"dw of step 1", small.gradients[0]},
                      {"dw of step 2", small.gradients[1]},
                      {"lr", 1.0}});
    compare_adam(exercise, small, 1.0);

    // The numbers of torch.optim.Adam, PyTorch 1.13, in double precision.
    const Path longer{{1.0, -2.0, 0.5},
                      {{0.5, -1.0, 2.0},
                       {0.25, 1.0, -2.0},
                       {-1.0, 0.5, 0.125},
                       {4.0, -0.5, 0.0}},
                      {"w", "mean", "square"}};
    const std::vector<Tensor<double>> pytorch = {
        {0.9900000002, -1.9900000001, 0.49000000005},
        {0.9806782040477462, -1.9905263158842106, 0.4905263158368421},
        {0.9827417742885411, -1.9930406589081755, 0.4906505077637077},
        {0.9776199273557016, -1.9931547153703626, 0.49075223823325614}};
    exercise.begin("with lr = 0.01");
    compare_adam(exercise, longer, 0.01);
    exercise.begin("of PyTorch");
    Tensor<double> w = longer.start, mean = zeros<double>(w.shape()),
                   square = mean;
    for (std::size_t t = 0; t < pytorch.size(); ++t) {
        adam_step(w, mean, square, longer.gradients[t], 0.01,
                  static_cast<int>(t) + 1);
        exercise.value("w after step " + std::to_string(t + 1), w, pytorch[t]);
    }
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("07.4", "momentum_step", "momentum.hpp", mark_momentum);
    exercises.add("07.5", "nesterov_step", "nesterov.hpp", mark_nesterov);
    exercises.add("07.6", "adam_step", "adam.hpp", mark_adam);
    return exercises.main(argc, argv);
}
