#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <handgrad/app/program.hpp>
#include <handgrad/data/text.hpp>
#include <handgrad/data/token_loader.hpp>

#include "counting.hpp"
#include "gradients.hpp"
#include "model.hpp"
#include "names.hpp"
#include "pictures.hpp"
#include "sampling.hpp"
#include "settings.hpp"
#include "training.hpp"

using namespace handgrad;
using Backend = Cpu<double>;
using Net = LetterNet<Backend>;

// ## The lesson at a glance
//
// `run()` is the table of contents. The data come first among the members: all names, from
// which the pairs are counted, and two parts of them, for training and development.
class Lesson {
public:
    Lesson(app::Program& program, const Settings& settings, NameList list)
        : program_(program), settings_(settings), list_(std::move(list)) {}

    void run() {
        look_at_names();
        prove_gradients();
        count_pairs();
        descend();
        add_counts();
        count_longer();
        train_networks();
        look_at_letters();
        make_names();
        change_temperature();
    }

private:
    void look_at_names() const;
    void prove_gradients() const;
    void count_pairs();
    void descend() const;
    void add_counts() const;
    void count_longer();
    void train_networks();
    pictures::History train(Net& net) const;
    void look_at_letters() const;
    void make_names();
    void change_temperature();

    LetterSizes sizes(std::size_t width) const {
        return {V_, settings_.sizes.context, width, settings_.sizes.hidden};
    }
    data::Contexts contexts(const std::vector<std::string>& names,
                            std::size_t length) const {
        return {names, list_.letters, length};
    }

    app::Program& program_;
    const app::Options& options_ = program_.options();
    const Settings settings_;
    const NameList list_;
    const std::size_t V_ = list_.letters.size();

    // Pairs of all names, and of the two parts.
    const data::Contexts all_ = contexts(list_.names, 1);
    const counting::Pairs pairs_ = counting::count_pairs(all_, V_);
    const counting::Pairs train_pairs_ =
        counting::count_pairs(contexts(list_.parts.train, 1), V_);
    const counting::Pairs dev_pairs_ =
        counting::count_pairs(contexts(list_.parts.dev, 1), V_);
    double counted_ = 0; // loss of counting pairs on all names
    // On the development names: counting pairs, and the best of all tables.
    double dev_pairs_loss_ = 0, dev_best_loss_ = 0;

    // Contexts of T letters for the networks, one of which has a table of two columns for a
    // picture.
    const data::Contexts train_ =
        contexts(list_.parts.train, settings_.sizes.context);
    const data::Contexts dev_ =
        contexts(list_.parts.dev, settings_.sizes.context);
    Random random_{options_.seed}, random_of_flat_{options_.seed};
    Net net_{sizes(settings_.sizes.width), random_};
    Net flat_{sizes(2), random_of_flat_};
    const sampling::NameMaker maker_{list_, settings_.names, options_.seed};
};

// ## The names
//
// The list has 32,033 first names (`data/README.md` has the source). The first part of the
// chapter counts all of them. A model with many parameters needs names that it was not trained
// on: 80 percent are for training, 10 percent for development, and 10 percent remain for a test.
void Lesson::look_at_names() const {
    const auto& names = list_.names;
    fmt::print("{} names, from {} to {}\n"
               "{} letters to predict, ends of names included; {} different "
               "ones\n"
               "{} names to train with, {} for development\n\n",
               names.size(), names.front(), names.back(), all_.size(), V_,
               list_.parts.train.size(), list_.parts.dev.size());
}

// @output to "25626 names"
//
// ## The gradients first
//
// In the first line of the table, the gradient comes from the counts of five names, and the loss
// from the operations of a network. The other lines check the network. Below the table, all
// names: backward through cross-entropy and embedding, one example after another, against the
// counts.
void Lesson::prove_gradients() const {
    check::GradientCheck checker;
    const std::vector<std::string> five(list_.names.begin(),
                                        list_.names.begin() + 5);
    gradients::check_table(checker, contexts(five, 1), V_);
    gradients::check_network(checker);
    fmt::print("{}", to_string(checker));
    check::require_passed(checker);
    const double difference = gradients::compare_on_all(all_, pairs_);
    if (!(difference < 1e-12)) {
        throw std::runtime_error("the counts give another gradient");
    }
    fmt::print("dw (table) of all {} examples and of their counts: equal up to "
               "~{:.0e}\n",
               all_.size(), difference);
}

// @output to "dw (table) of all"
//
// ## Counting
//
// <details class="predict"><summary>Predict: what is the loss of a model that knows nothing?</summary>
//
// All 27 letters have the probability 1/27, so the loss is $\log 27 = 3.2958$. A model that knows
// the frequencies of the pairs is better. How much better has to be counted: its loss is 2.4540,
// as if it had to guess among $e^{2.4540} = 11.6$ equally likely letters.
//
// </details>
void Lesson::count_pairs() {
    const auto p = counting::frequencies(pairs_);
    counted_ = counting::mean_loss(p, pairs_);
    const auto count_of = [&](std::size_t i) { return pairs_.count.data()[i]; };
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < V_ * V_; ++i) { order.push_back(i); }
    std::stable_sort(order.begin(), order.end(),
                     [&](auto i, auto j) { return count_of(i) > count_of(j); });
    order.resize(std::min<std::size_t>(5, order.size()));
    fmt::print("\nThe most frequent pairs: count, frequency after the first "
               "letter\n");
    for (const std::size_t i : order) {
        fmt::print("  {}{} {:6.0f} {:7.4f}\n", list_.shown(i / V_),
                   list_.shown(i % V_), count_of(i), p.data()[i]);
    }
    const auto never =
        std::count(pairs_.count.begin(), pairs_.count.end(), 0.0);
    fmt::print("{} of {} pairs never occur\n"
               "Loss: log {} = {:.4f}, counting {:.4f}\n",
               never, V_ * V_, V_, std::log(static_cast<double>(V_)), counted_);
    program_.result("counting pairs", counted_);
    pictures::draw_pairs(program_, list_, pairs_);
}

// @output to "Loss: log"
//
// ![The counts of all pairs: a row for each letter, a column for the letter that follows. The dot is the beginning of a name in a row, and the end of a name in a column.](pairs.svg)
//
// The first row shows how names begin, and the first column how they end: most often with n, a or
// e. In the row of q only u stands out. The columns of the vowels are dark.
//
// ## Gradient descent finds the same
//
// The table of scores starts with zeros, so all probabilities are 1/27. The learning rate is the
// safe one, $2 N$ divided by the largest $N_i$.
//
// <details class="predict"><summary>Predict: where does gradient descent end, and how large is the learning rate?</summary>
//
// At the loss of counting, 2.4540. A letter comes before another one in 228,146 places, and in
// 33,885 of them it is an a, so the learning rate is $2 \cdot 228146 / 33885 = 13.5$. The table
// never arrives: a pair that does not occur has the frequency 0, and its score would have to be
// minus infinity.
//
// </details>
void Lesson::descend() const {
    fmt::print("\nGradient descent on the table, learning rate {:.4f}\n"
               "  step    loss  above counting\n",
               counting::safe_rate(pairs_));
    pictures::Line steps, excess;
    std::size_t next = 0;
    const auto p = counting::descend(
        pairs_, 0, settings_.table_steps, [&](std::size_t t, double loss) {
            const bool drawn = t < 100 || t % 100 == 0;
            if (t > 0 && drawn) {
                steps.push_back(static_cast<double>(t));
                excess.push_back(loss - counted_);
            }
            if (t < next && t < settings_.table_steps) { return; }
            fmt::print("{:6}  {:.4f}  {:14.4f}\n", t, loss, loss - counted_);
            next = next == 0 ? 1 : 10 * next;
        });
    const auto frequencies = counting::frequencies(pairs_);
    double largest = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (pairs_.row(i / V_) == 0) { continue; }
        largest =
            std::fmax(largest, std::abs(p.data()[i] - frequencies.data()[i]));
    }
    fmt::print("Largest difference between a probability and its frequency: "
               "{:.4f}\n",
               largest);
    program_.result("gradient descent", counting::mean_loss(p, pairs_));
    pictures::draw_table_losses(program_, steps, excess);
}

// @output to "Largest difference"
//
// ![How far the loss is above that of counting, both axes logarithmic: it falls without end.](table_loss.svg)
//
// Both ways lead to the same loss, 2.454. Counting needs one pass over the data and no learning
// rate. But gradient descent needs only a gradient, so it also works for models whose best
// parameters cannot be counted.
//
// ## Counts that were not seen
//
// A pair that was never seen has the probability 0. If a new name has it, the loss is infinite.
// So we add $\lambda$ to every count: these are the left two columns of losses. For the right two,
// gradient descent learns the table with an L2 penalty of weight $\lambda / N$ on the scores. As
// the introduction shows, both are nearly the same for large $\lambda$.
//
// <details class="predict"><summary>Predict: what is best on the development names: to add 1, 10,000 or 1,000,000 to each count?</summary>
//
// To add 1. With 10,000 a row has 270,000 counts that were added, and about 27,000 at most that
// were seen. With a million all probabilities are nearly 1/27, and both losses are nearly $\log
// 27$.
//
// </details>
void Lesson::add_counts() const {
    fmt::print(
        "\n            added to each count     L2 penalty on the scores\n"
        "lambda    training  development  training  development\n");
    const auto number = [](double loss) {
        return std::isfinite(loss) ? fmt::format("{:.4f}", loss) : "infinite";
    };
    const std::vector<std::pair<std::string, double>> rows = {
        {"0", 0},     {"0.01", 0.01},   {"1", 1},
        {"100", 100}, {"10000", 10000}, {"1000000", 1e6}};
    for (const auto& row : rows) {
        const double added = row.second;
        const auto p = counting::frequencies(train_pairs_, added);
        double penalised = 0;
        const auto q = counting::descend(
            train_pairs_, added / train_pairs_.all, settings_.table_steps / 10,
            [&](std::size_t, double loss) { penalised = loss; });
        fmt::print("{:8}  {:>8}  {:>11}  {:>8}  {:>11}\n", row.first,
                   number(counting::mean_loss(p, train_pairs_)),
                   number(counting::mean_loss(p, dev_pairs_)),
                   number(penalised),
                   number(counting::mean_loss(q, dev_pairs_)));
    }
}

// @output to "1000000"
//
// ## Why not count more letters?
//
// One letter before is not much to go by. A table can have a row for every pair of letters
// before, or for every three. We add 0.1 to each count.
//
// <details class="predict"><summary>Predict: 27 rows for one letter before. How many rows would five letters need, and how many examples are there for them?</summary>
//
// $27^5 = 14{,}348{,}907$ rows of 27 counts, for 182,625 examples. Most contexts never occur, and
// most of those that do occur a few times at most.
//
// </details>
void Lesson::count_longer() {
    fmt::print("\nCounting, 0.1 added to each count\n"
               "letters  contexts  training  development\n");
    dev_best_loss_ = std::numeric_limits<double>::infinity();
    for (std::size_t T = 1; T <= 5; ++T) {
        const auto train = contexts(list_.parts.train, T);
        const counting::LongCounts counts(train, V_);
        const double dev = counts.mean_loss(contexts(list_.parts.dev, T), 0.1);
        fmt::print("{:7}  {:8}  {:8.4f}  {:11.4f}\n", T, counts.contexts(),
                   counts.mean_loss(train, 0.1), dev);
        if (T == 1) { dev_pairs_loss_ = dev; }
        dev_best_loss_ = std::fmin(dev_best_loss_, dev);
    }
}

// @output to "5 "
//
// With more letters the loss on the training names keeps falling. On the development names it
// turns after three letters: 2.10 is the best that these tables reach. A context of five letters
// that was seen twice tells little, and the table has no idea that `kayle` and `cayle` are alike.
//
// ## The network
//
// The network of `model.hpp` shares what it learns. Its table describes every letter by ten
// numbers, wherever the letter stands, and contexts of similar letters are similar inputs. So it
// can see five letters without 14 million rows.
//
// It is trained by AdamW (chapter 13) in mini-batches; the learning rate rises for 100 steps and
// then falls along a cosine. A second network has only two numbers for each letter, so that its
// table can be drawn.
//
// <details class="predict"><summary>Predict: the first loss, and whether the network gets below 2.10 on the development names.</summary>
//
// The first loss is near $\log 27 = 3.2958$: small last weights make all scores nearly 0 (chapter
// 11). And it does get below 2.10, to 2.06, with 15,897 parameters. The table of three letters
// needs more: 5,438 rows of 27 counts are 146,826 numbers.
//
// </details>
pictures::History Lesson::train(Net& net) const {
    const training::Options options = {settings_.batch, settings_.steps,
                                       *settings_.lr, *settings_.decay,
                                       options_.seed};
    return training::train(net, train_, dev_, options, &net == &net_);
}

void Lesson::train_networks() {
    fmt::print("\nThe network sees {} letters, and has {} parameters\n",
               settings_.sizes.context, net_.parameter_count());
    const pictures::History history = train(net_), flat = train(flat_);
    fmt::print("After {} steps:  training  development\n", settings_.steps);
    const auto show = [&](Net& net, double dev) {
        fmt::print("{:4} numbers a letter  {:8.4f}  {:11.4f}\n",
                   net.sizes().width, training::mean_loss(net, train_), dev);
    };
    show(net_, history.dev_losses.back());
    show(flat_, flat.dev_losses.back());
    program_.result("development", history.dev_losses.back());
    program_.result("development, two numbers", flat.dev_losses.back());
    pictures::draw_losses(program_, history, flat, settings_.sizes.width,
                          dev_pairs_loss_, dev_best_loss_);
}

// @output to "2 numbers a letter"
//
// ![Both networks are better than the counted pairs after about 1,000 steps. The one with ten numbers a letter is also better than the best table in the end.](loss.svg)
//
// ## What it knows about letters
//
// <details class="predict"><summary>Predict: nobody told the network what a vowel is. What should the vowels' rows of the table have in common?</summary>
//
// After a vowel, other letters follow than after a consonant, and nearly the same after all
// vowels. Letters that can replace each other need similar rows, so the vowels come to lie
// together.
//
// </details>
void Lesson::look_at_letters() const {
    const auto& w0 = flat_.w0.value;
    pictures::draw_letters(program_, list_, w0);
    std::array<double, 3> sum = {}, count = {}; // by the number of vowels
    for (std::size_t i = 0; i < V_; ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            const std::size_t vowels =
                (pictures::is_vowel(list_.shown(i)) ? 1U : 0U) +
                (pictures::is_vowel(list_.shown(k)) ? 1U : 0U);
            sum.at(vowels) +=
                std::hypot(w0(i, 0) - w0(k, 0), w0(i, 1) - w0(k, 1));
            count.at(vowels) += 1;
        }
    }
    if (count[1] == 0 || count[2] == 0) { return; } // another alphabet
    fmt::print("\nMean distance of two vowels {:.4f}, of a vowel and another "
               "letter {:.4f}\n",
               sum[2] / count[2], sum[1] / count[1]);
}

// @output to "Mean distance"
//
// ![The table of the network with two numbers for each letter, one point a letter. The vowels lie together, apart from the consonants and from the end of a name.](letters.svg)
//
// ## Names
//
// All models draw with the same random numbers. A thousand names show how many of them are
// in the list of real names.
void Lesson::make_names() {
    const Tensor<double> uniform(Shape{V_, V_}, 1 / static_cast<double>(V_));
    const auto p = counting::frequencies(train_pairs_, 0.01);
    const double temperature = settings_.temperature;
    const sampling::NetScores<Backend> network(net_);
    maker_.print(
        {maker_.make("guessing", sampling::TableScores(uniform), 1,
                     temperature),
         maker_.make("pairs", sampling::TableScores(p), 1, temperature),
         maker_.make("network", network, settings_.sizes.context,
                     temperature)});
}

// @output to "in the list"
//
// The names of the guessing model have 26 letters on average, since it ends a name with the
// probability 1/27. Pairs look right two letters at a time. The network's names look like names,
// and every fifth is one.
//
// ### Temperature
//
// <details class="predict"><summary>Predict: which name does the network make again and again at a temperature near 0?</summary>
//
// The one that takes the likeliest letter each time. The first letter is then a, the most
// frequent first letter of names.
//
// </details>
void Lesson::change_temperature() {
    const sampling::NetScores<Backend> network(net_);
    std::vector<sampling::Made> columns;
    for (const char* temperature : {"0.01", "0.5", "1", "2"}) {
        columns.push_back(maker_.make("at " + std::string(temperature), network,
                                      settings_.sizes.context,
                                      std::stod(temperature)));
    }
    maker_.print(columns);
}

// @output to end
//
// Near 0 there is hardly more than one name. At 0.5 most names are real, at 1 they are more
// varied, and at 2 the network begins to stammer.
//
// ## The command line
int main(int argc, char** argv) {
    app::Program program("15_next_letter", "The next letter");
    program.options().seed = 1;
    Settings settings;
    offer_options(program, settings);
    return program.main(argc, argv, [&] {
        NameList list = read_names(program.options().data);
        settings.complete(list.longest());
        settings.sizes.letters = list.letters.size();
        require_fit(settings.sizes, list.longest());
        Lesson(program, settings, std::move(list)).run();
    });
}
