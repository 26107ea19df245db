#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/about.hpp>
#include <handgrad/app/program.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/mnist.hpp>
#include <handgrad/plot/figure.hpp>

#include "answers.hpp"
#include "attack.hpp"
#include "checks.hpp"
#include "model.hpp"
#include "pictures.hpp"
#include "prediction.hpp"
#include "training.hpp"

using namespace handgrad;

// ## Settings
//
// eps is the largest change of a pixel, both in adversarial training and where the program compares
// networks. Pixels go from 0 to 1 and are not centred, so that eps means the same as in the paper.
struct Settings {
    double eps = 0.25;
    std::size_t test_digits = 10000;
};

// ## The lesson
//
// As in chapter 08, the members of a class are the state of a run, and `run()` is the table of
// contents.
class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings)
        : program_(program), options_(program.options()), settings_(settings) {}

    void run() {
        train_three();
        check_gradients();
        draw_gradients();
        predict_and_attack_linear();
        attack_all();
        report_confidence();
        draw_attacked();
        train_adversarially();
        compare();
        attack_from_elsewhere();
        draw_gradients_after();
    }

private:
    using Row = std::vector<double>;

    static data::LoaderOptions first(std::size_t digits);
    void train(Trained& trained);
    void train_three();
    void check_gradients() const;
    void draw_gradients() const;
    void print_head(const std::string& what) const;
    template <class F> Row print_row(const std::string& name,
                                     const std::string& what,
                                     const F& error_at) const;
    double error_after(const Trained& trained, const Tensor<float>& direction,
                       double eps, Limits limits) const;
    void predict_and_attack_linear() const;
    void attack_all() const;
    void report_confidence() const;
    void draw_attacked() const;
    void train_adversarially();
    void compare() const;
    void attack_from_elsewhere() const;
    void draw_gradients_after() const;

    app::Program& program_;
    const app::Options& options_;
    const Settings settings_;

    const data::ImageDataset train_set_ =
        data::load_mnist(data::Split::train, options_.data);
    const data::ImageDataset test_set_ =
        data::load_mnist(data::Split::test, options_.data);

    // All test digits as one batch, and a random sign for each pixel.
    data::DataLoader<Backend> test_loader_{test_set_,
                                           first(settings_.test_digits)};
    const Tensor<float> x_ = test_loader_.peek().images;
    const Labels y_ = test_loader_.peek().labels;
    const Tensor<float> noise_ = random_signs(x_.shape(), options_.seed);

    const Row eps_{0, 0.05, 0.1, 0.15, 0.2, 0.25};
    std::vector<Trained> networks_; // three; later three more
};

// ## Three networks
//
// The training is in `training.hpp`. Afterwards we compute once, for every test digit, the gradient of
// its pixels: all attacks of one step use it.
data::LoaderOptions Lesson::first(std::size_t digits) {
    data::LoaderOptions options{digits, false};
    options.limit = digits;
    return options;
}

void Lesson::train(Trained& trained) {
    train_network(trained, train_set_, options_, settings_.eps);
    trained.dx = input_gradient(*trained.network, x_, y_);
    fmt::print("{:11}{:21}{:>10}{:>15.4f}", trained.name,
               trained.learned_from(), trained.network->parameter_count(),
               trained.loss);
    fmt::print("{:>12.1f}{:>9} s\n",
               error_rate(answers(*trained.network, x_, y_)),
               app::about(trained.seconds, ".1f"));
}

void Lesson::train_three() {
    fmt::print("{} test digits\n", y_.size());
    fmt::print("{:11}{:21}{:>10}{:>15}", "network", "learned from",
               "parameters", "training loss");
    fmt::print("{:>12}{:>11}\n", "errors in %", "time");
    networks_.push_back({"softmax", Kind::softmax});
    networks_.push_back({"two-layer", Kind::two_layer});
    networks_.push_back({"CNN", Kind::cnn});
    for (Trained& trained : networks_) { train(trained); }
    fmt::print("\n");
}

// @output to "CNN"
//
// ## The gradients, checked
//
// The first test digit is a seven, and all three networks are sure of it. Then $p_y$ is so close
// to 1 that the subtraction $p_y - 1$ loses half of its digits, in the analytic gradient and in the
// numeric one. A check would see the loss of digits and not the formula. So we check the gradient
// of the loss for another class, an eight: it is large.
void Lesson::check_gradients() const {
    using InDouble = Cpu<double>;
    data::DataLoader<InDouble> one(test_set_, first(1)),
        two(test_set_, first(2));
    const auto& seven = one.peek();
    const Labels eight = {8};
    check::GradientCheck checker;
    for (const Trained& trained : networks_) {
        const std::size_t side = trained.kind == Kind::cnn ? 12 : 28;
        check_pixels(checker, trained.kind, trained.name, *trained.network,
                     seven.images, eight, side);
    }
    check_adversarial(checker, two.peek().images, two.peek().labels,
                      settings_.eps);
    fmt::print("{}\n", table(checker));
    check::require_passed(checker);
}

// @output to "d3.bias"
//
// The first three lines are the pixels of the trained networks. The other six are the weights of a
// small CNN under the adversarial loss: the complex step agrees, although that loss contains the
// signs of a gradient.
//
// ## What the gradient looks like
//
// <details class="predict"><summary>Predict: the softmax classifier sees a four and takes it for a four with p = 0.7, for a nine with p = 0.3. Which picture is the gradient of the pixels?</summary>
//
// Row by row $dx = dz\, w^\top$ with $dz_k = p_k - 1[k = y]$: each column of w is a picture, and the
// gradient is their sum with the weights $dz_k$. Here it is 0.3 times the picture of the nine minus
// 0.3 times the picture of the four: what makes a nine of a four.
//
// </details>
//
// The columns of w after training, one for each class. Where it is blue, ink speaks for the class;
// where it is orange, against it. Far outside no digit has ink, so no gradient has ever changed
// those weights: the noise is their random start.
//
// ![The ten columns of the softmax classifier's weight as pictures: blurred digits in blue, with orange where other digits have their ink.](weights.svg)
//
// And the gradients of the pixels for five digits. The first two networks see every image through
// large soft masks. Those of the CNN are finer and change more from digit to digit, but they are
// rough: we can hardly see what they are about. (At the end of the chapter we can.)
//
// ![Five test digits, and below each the gradient of its loss with respect to the pixels for the three networks. Blue: more ink raises the loss. Orange: less ink does.](gradients.svg)
void Lesson::draw_gradients() const {
    draw_weights(program_, networks_[0].network->parameters()[0]->value);
    Gallery gallery;
    add_digits(gallery, x_, y_);
    for (const Trained& trained : networks_) {
        add_gradients(gallery, trained.dx, trained.name);
    }
    gallery.save(program_, "gradients", plot::Colours::diverging);
}

// ## Predicted from the weights
//
// Before we attack the linear classifier, we ask its weights how it will end (`prediction.hpp`). For
// the first table there are no limits for the pixels, as in the derivation.
//
// <details class="predict"><summary>Predict: half of the digits lead their nearest rival by less than 4.2, and the weights of two classes differ by about 90 in total. Which eps turns half of the digits?</summary>
//
// $4.2 / 90 = 0.047$: a change of a pixel by less than 5 percent, which nobody would see. Random
// signs of this size do nothing: the root of the squares is only 4.7, so they change the lead by
// $0.047 \cdot 4.7 = 0.2$. The ratio of the two is 19, and the reason is the number of pixels:
// $\sqrt{784} = 28$ is the most that it could be, if all weights had the same size.
//
// </details>
void Lesson::print_head(const std::string& what) const {
    fmt::print("{:26}{:>6}", what, "eps");
    for (const double eps : eps_) { fmt::print("{:>7.2f}", eps); }
    fmt::print("\n");
}

template <class F> Lesson::Row Lesson::print_row(const std::string& name,
                                                 const std::string& what,
                                                 const F& error_at) const {
    fmt::print("{:11}{:21}", name, what);
    Row row;
    for (const double eps : eps_) {
        row.push_back(error_at(eps));
        fmt::print("{:>7.1f}", row.back());
    }
    fmt::print("\n");
    return row;
}

double Lesson::error_after(const Trained& trained,
                           const Tensor<float>& direction, double eps,
                           Limits limits) const {
    const auto x = step_by_signs(x_, direction, eps, limits);
    return error_rate(answers(*trained.network, x, y_));
}

void Lesson::predict_and_attack_linear() const {
    const Trained& softmax = networks_[0];
    const auto& w = softmax.network->parameters()[0]->value;
    const auto ways = ways_to_rivals((*softmax.network)(x_), y_, w);
    fmt::print("Medians: lead {:.2f}, differences of the weights: ",
               median_of(ways, [](const Way& way) { return way.lead; }));
    fmt::print("sum {:.1f}, root of squares {:.2f}; eps {:.3f}\n\n",
               median_of(ways, [](const Way& way) { return way.by_sum; }),
               median_of(ways, [](const Way& way) { return way.by_root; }),
               median_of(ways, [](const Way& way) { return way.eps(); }));
    const auto measured = [&](const Tensor<float>& direction) {
        return [&](double eps) {
            return error_after(softmax, direction, eps, Limits::none);
        };
    };
    print_head("softmax, errors in %");
    print_row("predicted", "best attack",
              [&](double eps) { return predicted_error(ways, eps); });
    print_row("measured", "fast gradient sign", measured(softmax.dx));
    print_row("predicted", "random signs",
              [&](double eps) { return predicted_error_of_noise(ways, eps); });
    print_row("measured", "random signs", measured(noise_));
    fmt::print("\n");
}

// @output to "measured   random signs"
//
// Two lines of arithmetic with the weights say what the attack will do to 10,000 digits. No attack
// can do more than the first row: that is proved, for every digit. The fast gradient sign comes
// close, although it is not the best attack: it follows the slope of the loss, in which all rivals
// have a part, and not the way to the nearest of them.
//
// ## Three networks under attack
//
// From here on the attacked images stay images, with pixels from 0 to 1. The direction is computed
// once for each digit and network. Only the size of the step varies.
void Lesson::attack_all() const {
    print_head("errors in %");
    plot::Figure figure;
    figure.title("Steps along the signs of the gradient, or at random")
        .x_label("eps: largest change of a pixel")
        .y_label("misread test digits [%]");
    for (const Trained& trained : networks_) {
        const auto error_along = [&](const Tensor<float>& direction) {
            return [&](double eps) {
                return error_after(trained, direction, eps, Limits::pixels);
            };
        };
        const Row attacked = print_row(trained.name, "fast gradient sign",
                                       error_along(trained.dx));
        const Row noisy =
            print_row(trained.name, "random signs", error_along(noise_));
        figure.line_points(trained.name + ", fast gradient sign", eps_,
                           attacked);
        figure.line_points(trained.name + ", random signs", eps_, noisy);
        program_.result("attacked " + trained.name, attacked);
        program_.result("noisy " + trained.name, noisy);
    }
    fmt::print("\n");
    figure.save(program_.output(""), "errors");
}

// @output to "CNN        random signs"
//
// ![The error rates of the table: three steep curves for the fast gradient sign, three that hardly rise for random signs.](errors.svg)
//
// The better a network reads digits, the larger a step it takes to fool it, but none survives. The
// random signs show that it is the direction that does the harm. (At 0.25 they do hurt the first two
// networks. The limits are to blame: half of the black background becomes brighter, and nothing can
// become darker than black. Without limits the softmax classifier hardly noticed.)
//
// How sure are the networks when they are wrong?
void Lesson::report_confidence() const {
    fmt::print("{:32}{:>12}{:>12}\n", fmt::format("eps {:.2f}", settings_.eps),
               "errors in %", "confidence");
    for (const Trained& trained : networks_) {
        const auto x =
            step_by_signs(x_, trained.dx, settings_.eps, Limits::pixels);
        const auto wrong = answers(*trained.network, x, y_);
        fmt::print("{:11}{:21}{:>12.2f}{:>12.2f}\n", trained.name,
                   "fast gradient sign", error_rate(wrong),
                   confidence_when_wrong(wrong));
        program_.result("attacked_at_eps " + trained.name, error_rate(wrong));
    }
    fmt::print("\n");
}

// @output to "CNN        fast gradient sign"
//
// This is the result of Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial
// Examples" (2015): at eps = 0.25 a shallow softmax classifier errs on 99.9 % of MNIST's test
// digits, with a mean confidence of 79.3 %. Ours errs as often and is surer still.
//
// The first five digits that the CNN reads correctly before the attack and wrongly after it, each
// with its answer and the probability. Below them are the same digits with random signs.
//
// ![Five digits, the same after the attack with eps = 0.25, and after random changes of the same size. The attacked digits are read wrongly, those with random changes correctly.](attacked.svg)
//
// The attacked digits are still easy to read. What was added:
//
// ![What the attack added to each digit, and what random signs added. Orange: darker, blue: brighter. Only ink can become darker and only black can become brighter, so the digit shows in both. The attack has connected regions, the random signs have none.](differences.svg)
void Lesson::draw_attacked() const {
    const Trained& cnn = networks_[2];
    const Tensor<float> x = first_of(x_, 100);
    const auto changed = [&](const Tensor<float>& direction) {
        return step_by_signs(x, first_of(direction, 100), settings_.eps,
                             Limits::pixels);
    };
    draw_attack(
        program_, *cnn.network, x, first_of(y_, 100),
        {{"attack", changed(cnn.dx)}, {"random signs", changed(noise_)}});
}

// ## Adversarial training
//
// Now three more networks learn from the digits and, with the same weight, from attacks on
// themselves. We call them hardened.
//
// <details class="predict"><summary>Predict: how much longer does an epoch of the CNN take? And will the error rate of digits without an attack fall or rise?</summary>
//
// A step has two forward and two backward passes, and the first backward pass goes all the way to
// the pixels, which training usually leaves out: more than twice as long. The digits without an
// attack are half of the loss only, and the attacked ones take a part of what the few weights can
// do. So the error rate rises.
//
// </details>
void Lesson::train_adversarially() {
    for (std::size_t i = 0; i < 3; ++i) {
        const Trained& plain = networks_[i];
        Trained trained{plain.name, plain.kind, true};
        train(trained);
        networks_.push_back(std::move(trained));
    }
    fmt::print("\n");
}

// @output to "CNN        digits and attacks"
//
// What is it worth? We compare four kinds of test digits: as they are, with random signs, attacked
// by one step, and the first thousand attacked by ten small steps (`iterated_signs`).
void Lesson::compare() const {
    const double eps = settings_.eps;
    const Tensor<float> x = first_of(x_, 1000);
    const Labels y = first_of(y_, 1000);
    fmt::print("{:32}{:>8}{:>8}{:>10}{:>11}\n",
               fmt::format("errors in %, eps {:.2f}", eps), "digits", "random",
               "one step", "ten steps");
    for (const Trained& trained : networks_) {
        const auto ten = iterated_signs(*trained.network, x, y, eps);
        const Row row{error_after(trained, noise_, 0, Limits::pixels),
                      error_after(trained, noise_, eps, Limits::pixels),
                      error_after(trained, trained.dx, eps, Limits::pixels),
                      error_rate(answers(*trained.network, ten, y))};
        fmt::print("{:11}{:21}{:>8.1f}{:>8.1f}{:>10.1f}{:>11.1f}\n",
                   trained.name, trained.learned_from(), row[0], row[1], row[2],
                   row[3]);
        const auto* const how = trained.adversarial ? "after " : "before ";
        program_.result(how + trained.name, row);
    }
    fmt::print("\n");
}

// @output to "CNN        digits and attacks"
//
// The CNN has learned something: one step at 0.25 now fools it for a sixth of the digits and not
// for three quarters, at the price of two more errors in a hundred digits. The softmax classifier
// cannot learn it. No weights with a large lead for every digit and small differences exist, so it
// loses accuracy and is fooled all the same. The two-layer network is a warning: it withstands the
// one step that it was trained on, but ten small steps break it as before, and even random signs
// now cost it a quarter of the digits. A defence that was tested with one attack has been tested
// with one attack.
//
// ## Attacks from elsewhere
//
// An attacker who has no access to a network can attack another one and hope. Each row is a network that
// the attack was computed for; each column a network that reads the result.
void Lesson::attack_from_elsewhere() const {
    fmt::print("{:32}", fmt::format("errors in %, eps {:.2f}", settings_.eps));
    const auto name = [](const Trained& trained) {
        return trained.name + (trained.adversarial ? " *" : "");
    };
    for (const Trained& reader : networks_) {
        fmt::print("{:>13}", name(reader));
    }
    fmt::print("\n");
    const Labels y = first_of(y_, 1000);
    for (const Trained& target : networks_) {
        const auto x =
            step_by_signs(first_of(x_, 1000), first_of(target.dx, 1000),
                          settings_.eps, Limits::pixels);
        fmt::print("{:32}", "attack on " + name(target));
        for (const Trained& reader : networks_) {
            fmt::print("{:>13.1f}", error_rate(answers(*reader.network, x, y)));
        }
        fmt::print("\n");
    }
    fmt::print("* learned from digits and attacks\n");
}

// @output to end
//
// Attacks travel. Those on the softmax classifier and on the two-layer network are nearly the same:
// both look through the same masks. The CNN is hit hard only by attacks made for it. The hardened
// CNN is fooled least in every row but the last, which is its own.
//
// ## What a hardened network looks at
//
// The gradients once more, before and after adversarial training. The pixels far outside are quiet
// now: whatever a network reads there, an attacker can write there. What is left lies on the strokes
// and beside them. So this is also a way to gradients that people can read.
//
// ![Five digits; the gradients of the softmax classifier before and after adversarial training; those of the CNN before and after.](gradients_after.svg)
void Lesson::draw_gradients_after() const {
    Gallery gallery;
    add_digits(gallery, x_, y_);
    for (const std::size_t i : {0, 3, 2, 5}) {
        const Trained& trained = networks_[i];
        const auto* const when = trained.adversarial ? " after" : " before";
        add_gradients(gallery, trained.dx, trained.name + when);
    }
    gallery.save(program_, "gradients_after", plot::Colours::diverging);
}

// ## The command line
int main(int argc, char** argv) {
    app::Program program("14_what_it_looks_at", "What the network looks at");
    auto& options = program.options();
    options.seed = 1234;
    options.epochs = 1;
    options.batch_size = 64;
    options.lr = 0.05;
    program.take({"--epochs", "--batch-size", "--lr", "--limit", "--data"});
    Settings settings;
    program.option("--eps", settings.eps, 0, 1,
                   "largest change of a pixel in training and comparisons");
    program.option("--test-digits", settings.test_digits, 5, 10000,
                   "test digits that are read and attacked, the first ones");
    return program.main(argc, argv, [&] { Lesson(program, settings).run(); });
}
