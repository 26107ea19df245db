// ## What we need
//
// The digits of the chapter before this one, random numbers for the weights, and the library's operations, with which
// we compare our own arithmetic at the end. `model.hpp` is ours: it is shown further down, where we need it.
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

// The sizes of the network: 784 pixels, 100 hidden units, 10 classes.
constexpr std::size_t d0 = 784, d1 = 100, d2 = 10;

// The first $N$ images as a matrix, one in each row, each pixel a number from 0 to 1.
Matrix first_images(const data::ImageDataset& digits, std::size_t n) {
    Matrix x = zeros<double>({n, d0});
    data::apply({data::ToTensor{}}, digits.image(0), n * d0, x.data());
    return x;
}

// Weights that nobody has trained yet: uniform between $-1/\sqrt{d}$ and $1/\sqrt{d}$ for a layer with $d$ inputs, as
// PyTorch starts. The more terms a sum has, the smaller they are, so that the sum is neither tiny nor huge.
Matrix random_weights(std::size_t inputs, std::size_t outputs, Random& random) {
    Matrix w = zeros<double>({inputs, outputs});
    fan_in_uniform_(w, inputs, random);
    return w;
}

// Prints the name of an intermediate, its size, and its first entries. (Those of $x$ are 0: the border of a picture is
// empty.)
void show(const std::string& name, const Matrix& m) {
    std::string entries;
    for (std::size_t i = 0; i < std::min<std::size_t>(m.size(), 5); ++i) {
        entries += fmt::format(" {:8.4f}", m.data()[i]);
    }
    fmt::print("{:<17} {:>5} x {:<4}{} ...\n", name, m.shape(0), m.shape(1), entries);
}

// The largest difference between the entries of two matrices. (A comparison with NaN is false, so we ask whether the
// difference is small, never whether it is large.)
bool agree(const Matrix& a, const Matrix& b) { return a.shape() == b.shape() && xt::amax(xt::abs(a - b))() <= 1e-12; }
const char* yes_no(bool yes) { return yes ? "yes" : "NO"; }

int main(int argc, char** argv) {
    app::Program program("02_forward_pass", "The forward pass: one digit through 784-100-10, and the loss");
    app::Options& options = program.options();
    options.seed = 1234;
    options.batch_size = 128;
    program.take({"--batch-size", "--data", "--device"});

    return program.main(argc, argv, [&] {
        // ## One digit
        //
        // The first training image, and what it is supposed to be. On the slides an input $x$ is a column of length
        // $d_0 = 784$, so we start with a matrix of that shape.
        const data::ImageDataset digits = data::load_mnist(data::Split::train, options.data);
        const std::size_t label = digits.labels[0];
        Tensor<float> picture = xt::cast<float>(first_images(digits, 1));
        picture.reshape({1, 1, 28, 28});
        fmt::print("{}\n", plot::terminal_grid(picture, 1, 1, {fmt::format("label: {}", label)}, 56));

        Matrix x = first_images(digits, 1);
        x.reshape({d0, 1});
        Random random(options.seed);
        const Matrix w1 = random_weights(d0, d1, random);
        const Matrix w2 = random_weights(d1, d2, random);
        show("x", x);
        show("w1", w1);
        show("w2", w2);

        // ## From pixels to probabilities
        //
        // Four lines, each as it stands on the slide. $x'$ is $x$ as a row: $1 \times d_0$. Times $w_1$, which is
        // $d_0 \times d_1$, it gives $1 \times d_1$: each of the 100 hidden units adds up all pixels, with weights of
        // its own.
        const Matrix z1 = xt::linalg::dot(xt::transpose(x), w1);
        show("z1 = x' w1", z1);

        // The activation function is applied to each entry. We take ReLU, $\sigma(z) = \max(z, 0)$: negative sums
        // become 0. Without it, $x' w_1 w_2$ would be $x'$ times a single matrix, and the hidden layer for nothing.
        const Matrix o1 = xt::maximum(z1, 0.0);
        show("o1 = sigma(z1)", o1);

        // Each of the ten classes gets a score, also called a logit.
        const Matrix z2 = xt::linalg::dot(o1, w2);
        show("z2 = o1 w2", z2);

        // Softmax makes probabilities of them: $p_k = e^{z_k} / \sum_j e^{z_j}$.
        const Matrix p = xt::exp(z2) / xt::sum(xt::exp(z2));
        show("p = softmax(z2)", p);
        fmt::print("the entries of p add up to {:.6f}\n", xt::sum(p)());

        // ## The loss
        //
        // The network is told the right answer, and nothing counts but the probability that it gave to it:
        // $\ell = -\log p_y$. It is 0 for a network that was sure and right, and grows without limit for one that was
        // sure and wrong. Ours knows nothing yet. If it gave each class the probability $1/10$, the loss would be
        // $\log 10 = 2.3026$, and we should be near that. It is the first thing to check in any new program.
        const double loss = -std::log(p(0, label));
        fmt::print("\nloss = -log p[{}] = -log {:.4f} = {:.4f}; for comparison, log 10 = {:.4f}\n", label, p(0, label),
                   loss, std::log(10.0));

        // The slides have an example: the right class got the probability 0.9, and the loss is given as 0.045. Let us
        // compute that.
        fmt::print("\nfor p = 0.9: natural logarithm {:.6f}, base 10 {:.6f}\n", -std::log(0.9), -std::log10(0.9));
        fmt::print("a loss of 0.045 means p = {:.4f}\n", std::exp(-0.045));

        // So 0.045 is the logarithm to base 10. The loss that everybody uses, PyTorch too, has the natural one: 0.105.
        // The two differ by the constant factor $\log 10$, and the best weights would be the same. But the gradient has
        // that factor as well, and so a learning rate would mean something else.
        //
        // ## Large scores
        //
        // There is one trap in our line for softmax. $e^{z}$ is too large for a `double` from $z = 710$ on (for a
        // `float`, from 89 on), and infinity divided by infinity is not a number. But $p$ does not change if we subtract
        // the same number from all scores, because $e^{z - m} = e^z / e^m$ and $e^m$ cancels. With $m$ the largest
        // score, the largest power is $e^0 = 1$. The library's softmax does that.
        const Matrix large{{1000.0, 999.0}};
        const Matrix naive = softmax(large);
        const Matrix careful = cpu::softmax_forward(large);
        fmt::print("\nsoftmax(1000, 999): as written above ({}, {}), by the library ({:.4f}, {:.4f})\n",
                   std::isnan(naive(0)) ? "not a number" : "a number",
                   std::isnan(naive(1)) ? "not a number" : "a number", careful(0), careful(1));

        // ## L layers
        //
        // The same network as a list of two layers, for the function `forward` of `model.hpp`. It has biases $b_i$ in
        // addition; with $b_i = 0$ it has to give the same probabilities.
        const Matrix no_b1 = zeros<double>({d1}), no_b2 = zeros<double>({d2});
        const Matrix row = first_images(digits, 1);
        const Matrix same = forward(row, {{w1, no_b1, relu}, {w2, no_b2, softmax}});
        fmt::print("\nthe loop over layers agrees with the four lines: {}\n", yes_no(agree(same, p)));

        // From here on we have biases, and as many layers as we like. Four, for a change:
        Matrix b1 = zeros<double>({d1}), b2 = zeros<double>({d2});
        fan_in_uniform_(b1, d0, random);
        fan_in_uniform_(b2, d1, random);
        const Matrix deep = forward(row, {{w1, b1, relu},
                                          {random_weights(d1, 50, random), zeros<double>({50}), sigmoid},
                                          {random_weights(50, 20, random), zeros<double>({20}), sigmoid},
                                          {random_weights(20, d2, random), b2, softmax}});
        show("784-100-50-20-10", deep);

        // ## A batch
        //
        // Now $B$ images at once, one in each row of $x$. Not a line of the mathematics changes, each row is computed
        // as before; only $1$ becomes $B$ in all sizes. (The slides go on to write $x'$ here, left over from the single
        // column. If $x$ has its examples in rows, as in PyTorch and in all of this book, the product is $x w_1$.)
        const std::size_t B = options.batch_size;
        if (B > digits.size()) {
            throw UsageError(
                fmt::format("--batch-size: got {}, expected at most the {} images there are", B, digits.size()));
        }
        const Matrix xs = first_images(digits, B);
        const Matrix z1s = xt::linalg::dot(xs, w1) + b1;
        const Matrix o1s = relu(z1s);
        const Matrix z2s = xt::linalg::dot(o1s, w2) + b2;
        const Matrix ps = softmax(z2s);
        fmt::print("\na batch of {}\n", B);
        show("x", xs);
        show("z1 = x w1 + b1", z1s);
        show("o1 = relu(z1)", o1s);
        show("z2 = o1 w2 + b2", z2s);
        show("p = softmax(z2)", ps);

        // The loss of a batch is the mean of its examples' losses, $L = -\frac{1}{B} \sum_n \log p_{n y_n}$. With the
        // mean, and not the sum, a learning rate that is good for one batch size is reasonable for another.
        Labels y(Shape{B});
        double sum = 0.0;
        for (std::size_t n = 0; n < B; ++n) {
            y(n) = digits.labels[n];
            sum -= std::log(ps(n, digits.labels[n]));
        }
        const double batch_loss = sum / static_cast<double>(B);
        fmt::print("loss {:.4f}\n", batch_loss);

        // ## The same with the library
        //
        // Each step has its operation in the library. All later chapters use these: they take the largest score off,
        // they are fast, and each comes with its gradient. They have to agree with what we have written out. The loss
        // takes the scores, not the probabilities: it does the softmax itself, and a softmax layer before it would be
        // one too many.
        const Matrix library_z1 = cpu::linear_forward(xs, w1, b1);
        const Matrix library_o1 = cpu::relu_forward(library_z1);
        const Matrix library_z2 = cpu::linear_forward(library_o1, w2, b2);
        const Matrix library_p = cpu::softmax_forward(library_z2);
        const double library_loss = cpu::cross_entropy_forward(library_z2, y);
        fmt::print("\nagree to 1e-12 with the library\n");
        fmt::print("  z1: {}\n", yes_no(agree(z1s, library_z1)));
        fmt::print("  o1: {}\n", yes_no(agree(o1s, library_o1)));
        fmt::print("  z2: {}\n", yes_no(agree(z2s, library_z2)));
        fmt::print("  p: {}\n", yes_no(agree(ps, library_p)));
        fmt::print("  loss: {}\n", yes_no(std::abs(batch_loss - library_loss) <= 1e-12));

        // How many of these images does the untrained network get right? About one in ten, by luck.
        fmt::print("\n{} of {} right\n", cpu::count_correct(library_z2, y), B);

        program.result("loss", loss);
        program.result("batch_loss", batch_loss);
    });
}
