// The same bits on any number of threads, for sizes that are cut into several chunks.

#include "support/threads.hpp"
#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("linear: the number of threads does not change a bit", "[ops][threads]", Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    struct Size {
        std::size_t n, in, out;
    };
    for (const Size s : {Size{64, 784, 100}, {301, 784, 100}, {999, 100, 333}, {20001, 2, 100}, {20001, 100, 3}}) {
        INFO("N " << s.n << ", D_in " << s.in << ", D_out " << s.out);
        const auto x = normal_numbers<T>({s.n, s.in}, 1), w = normal_numbers<T>({s.in, s.out}, 2),
                   b = normal_numbers<T>({s.out}, 3), dy = normal_numbers<T>({s.n, s.out}, 4);
        CHECK(same_on_any_number_of_threads([&] {
            LinearGradients<Tensor<T>> g = B::linear_backward(x, w, dy);
            return std::vector<Tensor<T>>{B::linear_forward(x, w, b), g.dx, g.dw, g.db};
        }));
    }
}

TEMPLATE_TEST_CASE("other operations: the number of threads does not change a bit", "[ops][threads]", Cpu<float>,
                   Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const Shape& shape : {Shape{30001, 10}, Shape{65, 1001}, Shape{300007, 1}}) {
        INFO(to_string(shape));
        const auto x = normal_numbers<T>(shape, 1), dy = normal_numbers<T>(shape, 2);
        const Labels y = random_labels(shape[0], shape[1], 3);
        CHECK(same_on_any_number_of_threads([&] {
            const Tensor<T> s = B::sigmoid_forward(x), t = B::tanh_forward(x);
            Tensor<T> p, l2 = dy, flat;
            const Tensor<T> loss = full<T>({}, B::cross_entropy_forward(x, y, p));
            B::l2_penalty_backward(x, 0.1, l2, Accumulate::yes);
            B::flatten_forward(x, flat);
            return std::vector<Tensor<T>>{B::relu_forward(x),
                                          B::relu_backward(x, dy),
                                          s,
                                          B::sigmoid_backward(s, dy),
                                          t,
                                          B::tanh_backward(t, dy),
                                          B::softmax_forward(x),
                                          B::softmax_backward(p, dy),
                                          p,
                                          loss,
                                          B::cross_entropy_backward(p, y),
                                          full<T>({}, B::l2_penalty_forward(x, 0.1)),
                                          B::l2_penalty_backward(x, 0.1),
                                          l2,
                                          flat};
        }));
        CHECK(same_on_any_number_of_threads([&] {
            std::vector<Tensor<T>> parameters;
            for (const double momentum : {0.0, 0.9}) {
                for (const bool nesterov : {false, true}) {
                    if (nesterov && momentum == 0) { continue; }
                    SgdOptions options;
                    options.lr = 0.1;
                    options.momentum = momentum;
                    options.nesterov = nesterov;
                    options.weight_decay = 0.01;
                    Tensor<T> p = x, v;
                    for (int step = 0; step < 2; ++step) { B::sgd_step(p, dy, v, options); }
                    parameters.push_back(p);
                }
            }
            return parameters;
        }));
    }
}

TEST_CASE("the number of threads is what was set, less than one is refused", "[ops][threads]") {
    const int before = num_threads();
    CHECK(before >= 1);
    {
        const Threads guard(3);
        CHECK(num_threads() == 3);
        CHECK(message_of<std::invalid_argument>([] { set_num_threads(0); }) ==
              "set_num_threads: got 0, expected at least 1");
        CHECK_THROWS_AS(set_num_threads(-1), std::invalid_argument);
        CHECK(num_threads() == 3);
    }
    CHECK(num_threads() == before);
}
