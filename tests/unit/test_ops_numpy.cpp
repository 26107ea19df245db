// The operations of all backends against NumPy's results in float64 (fixtures/make_operation_fixtures.py).

#include "catch.hpp"
#include "fixtures/fixtures.hpp"
#include "handgrad/cpu/cpu.hpp"
#include "handgrad/reference/reference.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// A case of the file; asking for what is not there throws.
class Case {
public:
    explicit Case(std::string name) : name_(std::move(name)) {}

    Tensor<double> operator[](const std::string& key) const {
        static const Fixtures fixtures = read_fixtures("operations.txt");
        const std::vector<double>& values = fixtures.at(name_ + "." + key);
        Shape shape;
        const auto extents = fixtures.find(name_ + "." + key + ".shape"); // a scalar's line has a name only
        if (extents != fixtures.end()) { shape = Shape(extents->second.begin(), extents->second.end()); }
        Tensor<double> t(shape);
        if (t.size() != values.size()) { throw std::runtime_error("fixture " + name_ + "." + key + " is damaged"); }
        std::copy(values.begin(), values.end(), t.data());
        return t;
    }

private:
    std::string name_;
};

} // namespace

TEMPLATE_TEST_CASE("linear equals NumPy's", "[ops][numpy]", HANDGRAD_BACKENDS) {
    using T = typename TestType::Scalar;
    for (const int i : {0, 1, 2, 3, 4, 5}) {
        const Case c("linear_" + std::to_string(i));
        const Tensor<T> x = to<T>(c["x"]), w = to<T>(c["w"]), b = to<T>(c["b"]), dy = to<T>(c["dy"]);
        const LinearGradients<T> g = TestType::linear_backward(x, w, dy);
        INFO("case " << i);
        CHECK(difference(TestType::linear_forward(x, w, b), c["y"]) <= rounding<T>());
        CHECK(difference(g.dx, c["dx"]) <= rounding<T>());
        CHECK(difference(g.dw, c["dw"]) <= rounding<T>());
        CHECK(difference(g.db, c["db"]) <= rounding<T>());
    }
}

TEMPLATE_TEST_CASE("activations equal NumPy's", "[ops][numpy]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const int i : {0, 1}) {
        const Case c("activations_" + std::to_string(i));
        const Tensor<T> x = to<T>(c["x"]), dy = to<T>(c["dy"]);
        const Tensor<T> sigmoid = B::sigmoid_forward(x), tanh = B::tanh_forward(x);
        INFO("case " << i);
        CHECK(difference(B::relu_forward(x), c["relu_y"]) <= rounding<T>());
        CHECK(difference(B::relu_backward(x, dy), c["relu_dx"]) <= rounding<T>());
        CHECK(difference(sigmoid, c["sigmoid_y"]) <= rounding<T>());
        CHECK(difference(B::sigmoid_backward(sigmoid, dy), c["sigmoid_dx"]) <= rounding<T>());
        CHECK(difference(tanh, c["tanh_y"]) <= rounding<T>());
        CHECK(difference(B::tanh_backward(tanh, dy), c["tanh_dx"]) <= rounding<T>());
    }
}

TEMPLATE_TEST_CASE("softmax and cross-entropy equal NumPy's", "[ops][numpy]", HANDGRAD_BACKENDS) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const int i : {0, 1, 2, 3, 4, 5}) {
        const Case c("softmax_" + std::to_string(i));
        const Tensor<T> z = to<T>(c["z"]), dp = to<T>(c["dp"]);
        const Labels y = to<std::int64_t>(c["labels"]);
        Tensor<T> p;
        const double loss = static_cast<double>(B::cross_entropy_forward(z, y, p));
        INFO("case " << i);
        CHECK(std::abs(loss - c["loss"]()) <= rounding<T>() * c["loss"]());
        CHECK(difference(p, c["p"]) <= rounding<T>());
        CHECK(difference(B::softmax_forward(z), c["p"]) <= rounding<T>());
        CHECK(difference(B::cross_entropy_backward(p, y), c["dz"]) <= rounding<T>());
        CHECK(difference(B::softmax_backward(p, dp), c["dz_of_dp"]) <= rounding<T>());
    }
}
