// ## What we need
//
// The digits of chapter 01, random numbers for the weights, and the library's operations, with
// which we compare our own arithmetic at the end. `model.hpp` is shown after this program.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "handgrad/app/program.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/data/transforms.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "handgrad/tensor/random.hpp"
#include "model.hpp"

using namespace handgrad;

// The sizes of the network: D pixels, M hidden units, K classes.
constexpr std::size_t D = 784, M = 100, K = 10;

// The first N images as a matrix, one in each row. Each pixel is a number from 0 to 1.
Matrix first_images(const data::ImageDataset& digits, std::size_t N) {
    Matrix x = zeros<double>({N, D});
    data::apply({data::ToTensor{}}, digits.image(0), N * D, x.data());
    return x;
}

// Weights that nobody has trained yet: uniform between $-1/\sqrt{D}$ and $1/\sqrt{D}$ for a layer
// with $D$ inputs, as PyTorch starts. The more terms a sum has, the smaller the weights are, so
// that the sum is neither tiny nor huge.
Matrix random_weights(std::size_t inputs, std::size_t outputs, Random& random) {
    Matrix w = zeros<double>({inputs, outputs});
    fan_in_uniform_(w, inputs, random);
    return w;
}

// Prints the name of an intermediate result, its size, and its first entries.
void show(const std::string& name, const Matrix& m) {
    std::string entries;
    for (std::size_t i = 0; i < std::min<std::size_t>(m.size(), 5); ++i) {
        entries += fmt::format(" {:8.4f}", m.data()[i]);
    }
    fmt::print("{:<17} {:>5} x {:<4}{} ...\n", name, m.shape(0), m.shape(1),
               entries);
}

// Two matrices agree if no two entries differ by more than $10^{-12}$. (A comparison with NaN is
// false, so we ask whether the difference is small, never whether it is large.)
bool agree(const Matrix& a, const Matrix& b) {
    return a.shape() == b.shape() && xt::amax(xt::abs(a - b))() <= 1e-12;
}
const char* yes_no(bool yes) { return yes ? "yes" : "NO"; }

// ## The lesson at a glance
//
// The lesson is a class. `run()` is its table of contents: it calls one function for each section
// below, in the same order. The members hold what one section leaves for the next. The weights are
// drawn when the lesson begins; the biases come into play further down.
class Lesson {
public:
    explicit Lesson(app::Program& program_) : program(program_) {}

    void run() {
        show_digit();
        compute_probabilities();
        compute_loss();
        compute_large_scores();
        compute_by_layers();
        compute_batch();
        compare_with_library();
    }

private:
    void show_digit() const;
    void compute_probabilities();
    void compute_loss();
    void compute_large_scores() const;
    void compute_by_layers();
    void compute_batch();
    void compare_with_library() const;

    app::Program& program;
    const app::Options& options = program.options();

    const data::ImageDataset digits =
        data::load_mnist(data::Split::train, options.data);
    const std::size_t label = digits.labels[0]; // of the first image
    const Matrix x = first_images(digits, 1);   // (1, D): the image as a row

    Random random{options.seed};
    const Matrix w1 = random_weights(D, M, random);
    const Matrix w2 = random_weights(M, K, random);
    Matrix b1 = zeros<double>({M}), b2 = zeros<double>({K});

    Matrix p;                  // (1, K): probabilities of the first image
    Matrix xs, z1, o1, z2, ps; // the same for a batch of images
    Labels y;                  // the classes of the batch
    double batch_loss = 0;
};

// ## One digit
//
// This is the first training image, and what it is supposed to be.
void Lesson::show_digit() const {
    Tensor<float> picture = xt::cast<float>(x);
    picture.reshape({1, 1, 28, 28});
    const std::string title = fmt::format("label: {}", label);
    fmt::print("{}\n", plot::terminal_grid(picture, 1, 1, {title}, 56));
    const auto saved = plot::image_grid(picture, 1, 1, {title})
                           .save(program.output(""), "digit");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }

    show("x", x);
    show("w1", w1);
    show("w2", w2);
}

// @output to "w2"
//
// ![The first training image: a five](digit.svg)
//
// The image is a row of 784 numbers. Its first entries are 0, since the border of the picture is
// empty.

// ## From pixels to probabilities
//
// These are the four steps of the introduction. Each is one line.
//
// <details class="predict"><summary>Predict: what is the size of x w1?</summary>
//
// (1, 784) times (784, 100) is (1, 100): the inner sizes must be equal, and they disappear.
//
// </details>
void Lesson::compute_probabilities() {
    // $x w_1$: each of the 100 hidden units adds up all pixels, with weights of its own.
    const Matrix first = xt::linalg::dot(x, w1);
    show("z1 = x w1", first);

    // The activation function is applied to each entry. We take ReLU, $\max(z, 0)$: negative sums
    // become 0. Without it, $x w_1 w_2$ would be $x$ times a single matrix, and the hidden layer
    // would be useless.
    const Matrix hidden = xt::maximum(first, 0.0);
    show("o1 = relu(z1)", hidden);

    // Each of the ten classes gets a score, also called a logit.
    const Matrix scores = xt::linalg::dot(hidden, w2);
    show("z2 = o1 w2", scores);

    // Softmax turns scores into probabilities: $p_k = e^{z_k} / \sum_j e^{z_j}$.
    p = xt::exp(scores) / xt::sum(xt::exp(scores));
    show("p = softmax(z2)", p);
    fmt::print("the entries of p add up to {:.6f}\n", xt::sum(p)());
}

// @output to "the entries of p"
//
// What to see: the fourth entry of z1 is negative and becomes 0 in o1; the positive entries pass
// unchanged. That is all that ReLU does. The largest of the first five scores, 0.0799, has the
// largest probability, 0.1105.

// ## The loss
//
// The network is told the true class $y$, and nothing counts but the probability that it gave to
// this class: $L_n = -\log p_y$. The loss is 0 for a network that was sure and right, and grows
// without limit for a network that was sure and wrong.
//
// <details class="predict"><summary>Predict: what is the loss of an untrained network?</summary>
//
// It knows nothing yet. If it gave each class the probability $1/10$, the loss would be
// $\log 10 = 2.3026$. The loss must be near that. Check this first in any new program.
//
// </details>
void Lesson::compute_loss() {
    const double loss = -std::log(p(0, label));
    fmt::print("\nloss = -log p[{}] = -log {:.4f} = {:.4f}; for comparison, "
               "log 10 = {:.4f}\n",
               label, p(0, label), loss, std::log(10.0));
    program.result("loss", loss);

    // The logarithm is the natural one. With the logarithm to base 10, the loss would be smaller by
    // the constant factor $\log 10 = 2.3$, and so would its gradient, and a learning rate would
    // mean something else. For a probability of 0.9 the two losses are 0.105 and 0.046.
    fmt::print("\nfor p = 0.9: natural logarithm {:.6f}, base 10 {:.6f}\n",
               -std::log(0.9), -std::log10(0.9));
    fmt::print("a loss of 0.045 means p = {:.4f}\n", std::exp(-0.045));
}

// @output to "a loss of 0.045"
//
// What to see: 2.3284 is near $\log 10$. A program that starts with a loss of 30 or of 0.1 has an
// error before it has taken its first step.

// ## Large scores
//
// There is one trap in our line for softmax. $e^{z}$ is too large for a `double` from $z = 710$ on
// (for a `float`, from 89 on), and infinity divided by infinity is not a number. But $p$ does not
// change if we subtract the same number from all scores, because $e^{z - m} = e^z / e^m$ and $e^m$
// cancels. If $m$ is the largest score, the largest power is $e^0 = 1$. The library's softmax
// subtracts the largest score.
void Lesson::compute_large_scores() const {
    const Matrix large{{1000.0, 999.0}};
    const Matrix naive = softmax(large);
    const Matrix careful = cpu::softmax_forward(large);
    const auto kind = [](double entry) {
        return std::isnan(entry) ? "not a number" : "a number";
    };
    fmt::print("\nsoftmax(1000, 999): as written above ({}, {}), by the "
               "library ({:.4f}, {:.4f})\n",
               kind(naive(0)), kind(naive(1)), careful(0), careful(1));
}

// @output to "softmax(1000"
//
// The formula is right and fails all the same. Such trouble stays hidden in training until the
// scores have grown.

// ## Any number of layers
//
// The function `forward` of `model.hpp` takes a list of layers. With two layers whose biases are
// zero, it has to give the same probabilities. Then we draw biases, and try four layers.
void Lesson::compute_by_layers() {
    const Matrix same = forward(x, {{w1, b1, relu}, {w2, b2, softmax}});
    fmt::print("\nthe loop over layers agrees with the four lines: {}\n",
               yes_no(agree(same, p)));

    fan_in_uniform_(b1, D, random);
    fan_in_uniform_(b2, M, random);
    const Matrix no_b2 = zeros<double>({50}), no_b3 = zeros<double>({20});
    const Matrix deep =
        forward(x, {{w1, b1, relu},
                    {random_weights(M, 50, random), no_b2, sigmoid},
                    {random_weights(50, 20, random), no_b3, sigmoid},
                    {random_weights(20, K, random), b2, softmax}});
    show("784-100-50-20-10", deep);
}

// @output to "784-100-50-20-10"

// ## A batch
//
// Now N images at once, one in each row of $x$. Not a line of the mathematics changes, and each row
// is computed as before; only 1 becomes N in all sizes. From here on the network has its biases.
//
// The loss of a batch is the mean of the losses of its examples,
// $L = -\frac{1}{N} \sum_n \log p_{n y_n}$. With the mean, and not the sum, a learning rate that is
// good for one batch size is reasonable for another.
void Lesson::compute_batch() {
    const std::size_t N = options.batch_size;
    if (N > digits.size()) {
        throw UsageError(fmt::format(
            "--batch-size: got {}, expected at most the {} images there are", N,
            digits.size()));
    }
    xs = first_images(digits, N);
    z1 = xt::linalg::dot(xs, w1) + b1;
    o1 = relu(z1);
    z2 = xt::linalg::dot(o1, w2) + b2;
    ps = softmax(z2);
    fmt::print("\na batch of {}\n", N);
    show("x", xs);
    show("z1 = x w1 + b1", z1);
    show("o1 = relu(z1)", o1);
    show("z2 = o1 w2 + b2", z2);
    show("p = softmax(z2)", ps);

    y = Labels(Shape{N});
    double sum = 0.0;
    for (std::size_t n = 0; n < N; ++n) {
        y(n) = digits.labels[n];
        sum -= std::log(ps(n, digits.labels[n]));
    }
    batch_loss = sum / static_cast<double>(N);
    fmt::print("loss {:.4f}\n", batch_loss);
    program.result("batch_loss", batch_loss);
}

// @output to "loss"
//
// What to see: each 1 has become 128, and nothing else has changed. The loss of the batch is even
// nearer to $\log 10$ than that of one digit, since it is a mean over 128 digits.

// ## The same with the library
//
// Each step has its operation in the library. All later chapters use these: they subtract the
// largest score, they are fast, and each comes with its gradient. They have to agree with what we
// have written out. The loss takes the scores, not the probabilities: it does the softmax itself,
// and a softmax layer before it would be one too many.
void Lesson::compare_with_library() const {
    const Matrix library_z1 = cpu::linear_forward(xs, w1, b1);
    const Matrix library_o1 = cpu::relu_forward(library_z1);
    const Matrix library_z2 = cpu::linear_forward(library_o1, w2, b2);
    const Matrix library_p = cpu::softmax_forward(library_z2);
    const double library_loss = cpu::cross_entropy_forward(library_z2, y);
    const double difference = std::abs(batch_loss - library_loss);
    fmt::print("\nagree to 1e-12 with the library\n");
    fmt::print("  z1: {}\n", yes_no(agree(z1, library_z1)));
    fmt::print("  o1: {}\n", yes_no(agree(o1, library_o1)));
    fmt::print("  z2: {}\n", yes_no(agree(z2, library_z2)));
    fmt::print("  p: {}\n", yes_no(agree(ps, library_p)));
    fmt::print("  loss: {}\n", yes_no(difference <= 1e-12));

    // How many of these images does the untrained network get right?
    fmt::print("\n{} of {} right\n", cpu::count_correct(library_z2, y),
               y.size());
}

// <details class="predict"><summary>Predict: how many of the 128 digits are right?</summary>
//
// About one in ten, by luck: some 13.
//
// </details>
//
// @output to "11 of 128"

// ## The command line
int main(int argc, char** argv) {
    app::Program program(
        "02_forward_pass",
        "The forward pass: one digit through 784-100-10, and the loss");
    program.options().seed = 1234;
    program.options().batch_size = 128;
    program.take({"--batch-size", "--data", "--device"});
    return program.main(argc, argv, [&program] { Lesson(program).run(); });
}

// Every run ends by saying where its figures are and what comes next.
//
// @output to end
