// Shapes, the memory of tensors, views, and watching a tensor for changes: on the host and on the device.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "handgrad/device/transfer.hpp"
#include "handgrad/error.hpp"
#include "handgrad/tensor/tensor.hpp"

using namespace handgrad;

namespace {

/// The message of the ShapeError that f throws.
template <class F> std::string shape_refusal(const F& f) {
    try {
        f();
    } catch (const ShapeError& e) { return e.what(); }
    return "no ShapeError";
}

/// 0, 1, 2, ... in this shape.
Tensor<double> ascending(const Shape& shape) {
    Tensor<double> t(shape);
    for (std::size_t i = 0; i < t.size(); ++i) { t.data()[i] = static_cast<double>(i); }
    return t;
}

std::vector<double> numbers_in(const Tensor<double>& t) { return {t.data(), t.data() + t.size()}; }

/// Whether f changes the tensor that it is given, as a Watch sees it. The tensor is (2, 3).
template <class F> bool watch_sees(const F& f) {
    Tensor<double> t = ascending({2, 3});
    const Watch before = watch(t);
    REQUIRE(before.is_current());
    f(t);
    return !before.is_current();
}

} // namespace

// ---- Extents ----

TEST_CASE("Extents: eight dimensions, and no more", "[tensor][shape]") {
    const Shape eight{1, 2, 3, 4, 5, 6, 7, 8};
    CHECK(eight.size() == 8);
    CHECK(Shape(8, 2) == Shape{2, 2, 2, 2, 2, 2, 2, 2});
    const std::string nine = "a tensor has at most 8 dimensions, not 9";
    CHECK(shape_refusal([] { Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}; }) == nine);
    CHECK(shape_refusal([] { Shape(9); }) == nine);
    CHECK(shape_refusal([] { Shape(12, 1); }) == "a tensor has at most 8 dimensions, not 12");
    CHECK(shape_refusal([] { Shape(std::vector<int>(9, 1)); }) == nine);
    Shape shape = eight;
    CHECK(shape_refusal([&] { shape.push_back(9); }) == nine);
    CHECK(shape_refusal([&] { shape.insert(shape.begin(), 9); }) == nine);
    CHECK(shape_refusal([&] { shape.resize(9); }) == nine);
    CHECK(shape == eight);
    CHECK(shape_refusal([] { Tensor<float> t(Shape(9, 1)); }) == nine);
}

TEST_CASE("Extents: equal are those of the same rank and the same extents", "[tensor][shape]") {
    CHECK(Shape{2, 3} == Shape{2, 3});
    CHECK_FALSE(Shape{2, 3} != Shape{2, 3});
    CHECK(Shape{2, 3} != Shape{3, 2});
    CHECK(Shape{2, 3} != Shape{2});
    CHECK(Shape{2} != Shape{2, 3});
    CHECK(Shape{} == Shape());
    CHECK(Shape{} != Shape{0});
    // What lay beyond the rank does not count.
    Shape shorter{2, 3, 4};
    shorter.pop_back();
    CHECK(shorter == Shape{2, 3});
    shorter.clear();
    CHECK(shorter == Shape{});
    shorter.resize(3, 7);
    CHECK(shorter == Shape{7, 7, 7});
}

TEST_CASE("Extents: insert and erase shift the extents behind", "[tensor][shape]") {
    Shape shape{2, 3, 4};
    shape.insert(shape.begin(), 1);
    CHECK(shape == Shape{1, 2, 3, 4});
    shape.insert(shape.begin() + 2, 9);
    CHECK(shape == Shape{1, 2, 9, 3, 4});
    shape.insert(shape.end(), 5);
    CHECK(shape == Shape{1, 2, 9, 3, 4, 5});
    shape.erase(shape.begin() + 2);
    CHECK(shape == Shape{1, 2, 3, 4, 5});
    shape.erase(shape.begin());
    CHECK(shape == Shape{2, 3, 4, 5});
    shape.erase(shape.end() - 1);
    CHECK(shape == Shape{2, 3, 4});
    CHECK(shape.front() == 2);
    CHECK(shape.back() == 4);
    CHECK(std::vector<std::size_t>(shape.rbegin(), shape.rend()) == std::vector<std::size_t>{4, 3, 2});
}

TEST_CASE("Extents: made from the shapes of other containers", "[tensor][shape]") {
    CHECK(Shape(std::vector<int>{2, 3}) == Shape{2, 3});
    CHECK(Shape(std::array<std::size_t, 3>{4, 5, 6}) == Shape{4, 5, 6});
    const xt::xarray<double> array = xt::xarray<double>::from_shape({2, 3, 4});
    CHECK(Shape(array.shape()) == Shape{2, 3, 4});
    const Tensor<double> a = ascending({2, 3}), b = ascending({3});
    CHECK(Shape((a + b).shape()) == Shape{2, 3}); // an expression's, not yet computed
    const Extents<std::ptrdiff_t> strides{3, -1};
    CHECK(Extents<std::ptrdiff_t>(strides) == strides);
}

TEST_CASE("Extents: how many numbers, and what replaces the last extent", "[tensor][shape]") {
    CHECK(count(Shape{}) == 1);
    CHECK(count(Shape{2, 3, 4}) == 24);
    CHECK(count(Shape{2, 0, 4}) == 0);
    CHECK(with_last(Shape{2, 3, 4}, 5) == Shape{2, 3, 5});
    CHECK(without_last(Shape{2, 3, 4}) == Shape{2, 3});
    CHECK(without_last(Shape{2}) == Shape{});
}

// ---- Storage ----

TEST_CASE("Storage: a copy has memory of its own", "[tensor][storage]") {
    Storage<double> a{1, 2, 3};
    Storage<double> b = a;
    CHECK(b == a);
    b[1] = 7;
    CHECK(a == Storage<double>{1, 2, 3});
    CHECK(b != a);
    b = a;
    CHECK(b == a);
    CHECK(std::as_const(b).data() != std::as_const(a).data());
    const Storage<double>& self = b;
    b = self;
    CHECK(b == a);
}

TEST_CASE("Storage: memory is aligned, grows, and never shrinks", "[tensor][storage]") {
    for (const std::size_t size : {1, 3, 17, 1000}) {
        const Storage<float> s(size, 2.0F);
        CHECK(reinterpret_cast<std::uintptr_t>(s.data()) % 64 == 0);
        CHECK(std::count(s.begin(), s.end(), 2.0F) == static_cast<std::ptrdiff_t>(size));
    }
    Storage<double> s{1, 2, 3, 4};
    const double* memory = std::as_const(s).data();
    s.resize(2);
    s.resize(4);
    CHECK(std::as_const(s).data() == memory);
    CHECK(s == Storage<double>{1, 2, 0, 0}); // new numbers are zeros
    s.resize(0);
    CHECK(s.empty());
    CHECK(s.capacity() == 4);
}

TEST_CASE("Storage: a move takes the memory over", "[tensor][storage]") {
    Storage<double> a{1, 2, 3};
    const double* memory = std::as_const(a).data();
    Storage<double> b = std::move(a);
    CHECK(std::as_const(b).data() == memory);
    CHECK(b == Storage<double>{1, 2, 3});
    CHECK(a.empty()); // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(a.is_view());
    a.resize(2);
    CHECK(a == Storage<double>{0, 0});
    a = std::move(b);
    CHECK(std::as_const(a).data() == memory);
    CHECK(a == Storage<double>{1, 2, 3});
}

TEST_CASE("Storage: a view shows another's numbers", "[tensor][storage]") {
    Storage<double> a{1, 2, 3};
    Storage<double> view{4, 5};
    CHECK_FALSE(view.is_view());
    view.show(a);
    CHECK(view.is_view());
    CHECK(std::as_const(view).data() == std::as_const(a).data());
    view[0] = 7;
    CHECK(a == Storage<double>{7, 2, 3});

    const Storage<double> copy = view;
    CHECK_FALSE(copy.is_view());
    Storage<double> moved = std::move(view);
    CHECK(moved.is_view());
    CHECK_FALSE(view.is_view()); // NOLINT(bugprone-use-after-move)
    CHECK(view.empty());

    // Assigning to a view overwrites the numbers that it shows, whether the other is moved or not.
    const Storage<double> ones{1, 1, 1};
    moved = ones;
    CHECK(a == ones);
    moved = Storage<double>{4, 5, 6};
    CHECK(a == Storage<double>{4, 5, 6});
    CHECK(moved.is_view());
}

TEST_CASE("Storage: a view keeps its size", "[tensor][storage]") {
    Storage<double> a{1, 2, 3};
    Storage<double> view;
    view.show(a);
    const std::string refused = "a view of 3 numbers cannot have 2";
    CHECK(shape_refusal([&] { view.resize(2); }) == refused);
    CHECK(shape_refusal([&] { view = Storage<double>{1, 2}; }) == refused);
    const Storage<double> two{1, 2};
    CHECK(shape_refusal([&] { view = two; }) == refused);
    CHECK(a == Storage<double>{1, 2, 3});
    view.resize(3);
    CHECK(view.is_view());
}

TEST_CASE("Storage: swap exchanges memory and views", "[tensor][storage]") {
    Storage<double> a{1, 2, 3}, b{4, 5}, base{6};
    swap(a, b);
    CHECK(a == Storage<double>{4, 5});
    CHECK(b == Storage<double>{1, 2, 3});
    Storage<double> view;
    view.show(base);
    view.swap(a);
    CHECK(view == Storage<double>{4, 5});
    CHECK_FALSE(view.is_view());
    CHECK(a.is_view());
    CHECK(std::as_const(a).data() == std::as_const(base).data());
}

TEST_CASE("Storage: accesses that could change a number are counted, reads are not", "[tensor][storage]") {
    Storage<double> s{1, 2, 3};
    const auto counts = [&](auto&& access) {
        const Watch before(s.version());
        access(s);
        return !before.is_current();
    };
    using S = Storage<double>;
    CHECK(counts([](S& x) { x[0] = 1; }));
    CHECK(counts([](S& x) { x.data(); }));
    CHECK(counts([](S& x) { x.begin(); }));
    CHECK(counts([](S& x) { x.rbegin(); }));
    CHECK(counts([](S& x) { x.front() = 1; }));
    CHECK(counts([](S& x) { x.back() = 1; }));
    CHECK(counts([](S& x) { x.resize(4); }));
    CHECK(counts([](S& x) { x = S{1, 2, 3}; }));
    CHECK(counts([](S& x) {
        const S other{4, 5, 6};
        x = other;
    }));
    CHECK(counts([](S& x) {
        S other{4, 5, 6};
        x.swap(other);
    }));
    CHECK(counts([](S& x) {
        S other{4, 5, 6};
        other.swap(x);
    }));
    CHECK(counts([](S& x) { const S taken = std::move(x); }));
    s = S{1, 2, 3};
    CHECK_FALSE(counts([](const S& x) { return x[0] + x.front() + x.back() + *x.begin() + *x.rbegin() + *x.data(); }));
    CHECK_FALSE(counts([](S& x) { x.resize(3); }));
    CHECK_FALSE(counts([](const S& x) { const S copy = x; }));
    CHECK_FALSE(counts([](const S& x) { return x == S{1, 2, 3}; }));
}

// ---- Views of tensors ----

TEST_CASE("view_of: the same numbers in another shape", "[tensor][view]") {
    Tensor<double> x = ascending({2, 6});
    Tensor<double> v = view_of(x, {3, 2, 2});
    CHECK(v.shape() == Shape{3, 2, 2});
    CHECK(std::as_const(v).data() == std::as_const(x).data());
    CHECK(v(1, 0, 1) == 5);
    v(2, 1, 1) = -1;
    CHECK(x(1, 5) == -1);
    x(0, 0) = 9;
    CHECK(v(0, 0, 0) == 9);

    const Tensor<double> copy = v;
    CHECK(copy.data() != std::as_const(x).data());
    CHECK(copy.shape() == Shape{3, 2, 2});
    CHECK(numbers_in(copy) == numbers_in(x));

    const Tensor<double>& only_read = x;
    const Tensor<double> w = view_of(only_read, {12});
    CHECK(w.data() == only_read.data());
    CHECK(shape_refusal([&] {
              view_of(x, {5, 2});
          }) == "show: x has shape (2, 6), expected 10 numbers for shape (5, 2)");
}

TEST_CASE("view_of: an expression is assigned to the numbers shown", "[tensor][view]") {
    Tensor<double> x = ascending({2, 2});
    Tensor<double> v = view_of(x, {4});
    v = v + 1.0;
    CHECK(numbers_in(x) == std::vector<double>{1, 2, 3, 4});
    v *= 2.0;
    CHECK(numbers_in(x) == std::vector<double>{2, 4, 6, 8});
    v.fill(3);
    CHECK(numbers_in(x) == std::vector<double>{3, 3, 3, 3});
    v = ascending({4});
    CHECK(numbers_in(x) == std::vector<double>{0, 1, 2, 3});
    CHECK(std::as_const(v).data() == std::as_const(x).data());
    CHECK(x.shape() == Shape{2, 2});
}

TEST_CASE("show: a tensor shows one after the other, and becomes no tensor of its own", "[tensor][view]") {
    const Tensor<double> a = ascending({2, 3}), b = ascending({4});
    Tensor<double> v = ascending({7});
    show(v, a, {3, 2});
    CHECK(v.shape() == Shape{3, 2});
    CHECK(std::as_const(v).data() == a.data());
    show(v, b, {2, 2});
    CHECK(v.shape() == Shape{2, 2});
    CHECK(std::as_const(v).data() == b.data());
    const std::string refused = "a view of 4 numbers cannot have 6";
    CHECK(shape_refusal([&] { resize(v, {2, 3}); }) == refused);
    CHECK(v.shape() == Shape{2, 2});
    CHECK(numbers_in(v) == std::vector<double>{0, 1, 2, 3});
    CHECK(shape_refusal([&] { v.resize({2, 3}); }) == refused);
    show(v, b, {4});
    resize(v, {1, 4});
    CHECK(v.shape() == Shape{1, 4});
    CHECK(std::as_const(v).data() == b.data());
}

TEST_CASE("show: a tensor that shows itself has another shape", "[tensor][view]") {
    Tensor<double> x = ascending({2, 3});
    const double* memory = std::as_const(x).data();
    const Watch of_x = watch(x);
    show(x, x, {3, 2});
    CHECK(of_x.is_current());
    CHECK(x.shape() == Shape{3, 2});
    CHECK(std::as_const(x).data() == memory);
    CHECK(numbers_in(x) == std::vector<double>{0, 1, 2, 3, 4, 5});
    resize(x, {7}); // it is no view
    CHECK(x.size() == 7);
}

TEST_CASE("show: a tensor without numbers can be shown", "[tensor][view]") {
    const Tensor<double> none = zeros<double>({0, 3});
    Tensor<double> v = ascending({2});
    show(v, none, {3, 0});
    CHECK(v.shape() == Shape{3, 0});
    CHECK(v.size() == 0);
}

// ---- Watching tensors of the host ----

TEST_CASE("watch: a Watch of nothing is not current", "[tensor][watch]") { CHECK_FALSE(Watch().is_current()); }

TEST_CASE("watch: sees what changes a tensor", "[tensor][watch]") {
    using X = Tensor<double>;
    CHECK(watch_sees([](X& x) { x(1, 2) = 5; }));
    CHECK(watch_sees([](X& x) { x.data()[0] = 5; }));
    CHECK(watch_sees([](X& x) { std::fill(x.begin(), x.end(), 5); }));
    CHECK(watch_sees([](X& x) { x.storage()[3] = 5; }));
    CHECK(watch_sees([](X& x) { x.fill(5); }));
    CHECK(watch_sees([](X& x) { x = x + 1.0; }));
    CHECK(watch_sees([](X& x) { x += 1.0; }));
    CHECK(watch_sees([](X& x) { x *= x; }));
    CHECK(watch_sees([](X& x) { x = ascending({2, 3}); }));
    CHECK(watch_sees([](X& x) {
        const X other = ascending({2, 3});
        x = other;
    }));
    CHECK(watch_sees([](X& x) { resize(x, {4, 5}); }));
    CHECK(watch_sees([](X& x) { resize(x, {1}); }));
    CHECK(watch_sees([](X& x) { const X taken = std::move(x); }));
    CHECK(watch_sees([](X& x) {
        X other;
        other = std::move(x);
    }));
    CHECK(watch_sees([](X& x) {
        X other = ascending({4});
        std::swap(x, other);
    }));
}

TEST_CASE("watch: sees that a tensor is gone", "[tensor][watch]") {
    Watch seen;
    {
        const Tensor<double> x = ascending({2, 3});
        seen = watch(x);
        CHECK(seen.is_current());
    }
    CHECK_FALSE(seen.is_current());
}

TEST_CASE("watch: reads change nothing", "[tensor][watch]") {
    using X = Tensor<double>;
    CHECK_FALSE(watch_sees([](const X& x) { return x(1, 2) + x.data()[0] + *x.begin() + x.storage()[1]; }));
    CHECK_FALSE(watch_sees([](const X& x) { const X copy = x; }));
    CHECK_FALSE(watch_sees([](const X& x) { const X sum = x + x * 2.0; }));
    CHECK_FALSE(watch_sees([](X& x) { const X sum = x + x * 2.0; })); // not even where x could be changed
    CHECK_FALSE(watch_sees([](X& x) { return x.shape() == Shape{2, 3} && x.size() == 6; }));
    CHECK_FALSE(watch_sees([](X& x) { resize(x, {2, 3}); }));
    CHECK_FALSE(watch_sees([](X& x) { const auto v = view_of(x, {6}); }));
}

TEST_CASE("watch: each Watch has its own moment", "[tensor][watch]") {
    Tensor<double> x = ascending({3});
    const Watch first = watch(x);
    x(0) = 1;
    const Watch second = watch(x);
    CHECK_FALSE(first.is_current());
    CHECK(second.is_current());
    const Watch same = second;
    x(1) = 1;
    CHECK_FALSE(second.is_current());
    CHECK_FALSE(same.is_current());
    CHECK(watch(x).is_current());
}

TEST_CASE("watch: a view and its tensor see each other's changes", "[tensor][watch][view]") {
    Tensor<double> x = ascending({2, 3});
    Tensor<double> v = view_of(x, {6});
    Watch of_x = watch(x), of_v = watch(v);
    v(0) = 7;
    CHECK_FALSE(of_x.is_current());
    CHECK_FALSE(of_v.is_current());
    of_x = watch(x);
    of_v = watch(v);
    x(0, 0) = 8;
    CHECK_FALSE(of_x.is_current());
    CHECK_FALSE(of_v.is_current());
    // A view that is moved shows the same tensor.
    Tensor<double> moved = std::move(v);
    of_x = watch(x);
    moved(1) = 6;
    CHECK_FALSE(of_x.is_current());
    CHECK(x(0, 1) == 6);
    v = std::move(moved);
    CHECK(std::as_const(v).data() == std::as_const(x).data());
    // A view of a view is one of the same tensor.
    Tensor<double> w = view_of(v, {3, 2});
    of_x = watch(x);
    w(2, 1) = 9;
    CHECK_FALSE(of_x.is_current());
    CHECK(x(1, 2) == 9);
}

TEST_CASE("watch: a view may go, or show another tensor, and its tensor is unchanged", "[tensor][watch][view]") {
    Tensor<double> x = ascending({2, 3});
    const Tensor<double> other = ascending({4});
    const Watch of_x = watch(x), of_other = watch(other);
    {
        Tensor<double> v = view_of(x, {6});
        const Tensor<double> moved = std::move(v);
        CHECK(of_x.is_current());
    }
    CHECK(of_x.is_current());
    Tensor<double> v = view_of(x, {6});
    const Watch of_v = watch(v);
    show(v, other, {4});
    CHECK(of_x.is_current());
    CHECK(of_other.is_current());
    CHECK_FALSE(of_v.is_current());
    v(0) = 5;
    CHECK(of_x.is_current());
    CHECK_FALSE(of_other.is_current());
}

TEST_CASE("watch: a view of a view outlives it", "[tensor][watch][view]") {
    Tensor<double> x = ascending({2, 3});
    auto v = std::make_unique<Tensor<double>>(view_of(x, {6}));
    const Tensor<double> w = view_of(std::as_const(*v), {3, 2});
    const Watch of_v = watch(*v), of_w = watch(w);
    v.reset();
    CHECK_FALSE(of_v.is_current());
    CHECK(of_w.is_current());
    x(0, 0) = 1;
    CHECK_FALSE(of_w.is_current());
}

TEST_CASE("watch: a view sees that its tensor is gone", "[tensor][watch][view]") {
    auto x = std::make_unique<Tensor<double>>(ascending({2, 3}));
    const Tensor<double> v = view_of(std::as_const(*x), {6});
    const Watch of_v = watch(v);
    CHECK(of_v.is_current());
    x.reset();
    CHECK_FALSE(of_v.is_current());
}

// ---- The same on the device ----

#if !defined(HANDGRAD_THRUST_OFF)

namespace {

device::Tensor<double> ascending_on_device(const Shape& shape) { return device::to_device(ascending(shape)); }

std::vector<double> numbers_in(const device::Tensor<double>& t) { return numbers_in(device::to_host(t)); }

/// Whether f changes the tensor that it is given, as a Watch sees it. The tensor is (2, 3).
template <class F> bool device_watch_sees(const F& f) {
    device::Tensor<double> t = ascending_on_device({2, 3});
    const Watch before = device::watch(t);
    REQUIRE(before.is_current());
    f(t);
    return !before.is_current();
}

} // namespace

TEST_CASE("device::Tensor: copies have memory of their own, moves take it over", "[tensor][device]") {
    device::Tensor<double> a = ascending_on_device({2, 3});
    device::Tensor<double> b = a;
    CHECK(b.shape() == Shape{2, 3});
    b.fill(7);
    CHECK(numbers_in(a) == std::vector<double>{0, 1, 2, 3, 4, 5});
    b = a;
    CHECK(numbers_in(b) == numbers_in(a));
    const double* memory = std::as_const(b).data();
    device::Tensor<double> c = std::move(b);
    CHECK(std::as_const(c).data() == memory);
    CHECK(b.shape() == Shape{0}); // NOLINT(bugprone-use-after-move)
    device::Tensor<double> d;
    d = std::move(c);
    CHECK(std::as_const(d).data() == memory);
    CHECK(numbers_in(d) == numbers_in(a));
    c.resize({2});
    c.fill(1);
    CHECK(numbers_in(c) == std::vector<double>{1, 1});
    CHECK(numbers_in(d) == numbers_in(a));
}

TEST_CASE("device::Tensor: memory grows and never shrinks", "[tensor][device]") {
    device::Tensor<double> t(Shape{4, 5});
    const double* memory = std::as_const(t).data();
    t.resize({3});
    t.resize({5, 4});
    CHECK(std::as_const(t).data() == memory);
    CHECK(t.shape() == Shape{5, 4});
}

TEST_CASE("device::show: the same numbers in another shape", "[tensor][device][view]") {
    device::Tensor<double> x = ascending_on_device({2, 3}), v;
    device::show(v, x, {3, 2});
    CHECK(v.shape() == Shape{3, 2});
    CHECK(std::as_const(v).data() == std::as_const(x).data());
    v.fill(4);
    CHECK(numbers_in(x) == std::vector<double>(6, 4));
    CHECK(shape_refusal([&] { device::show(v, x, {4}); }) ==
          "show: x has shape (2, 3), expected 4 numbers for shape (4,)");

    const device::Tensor<double> copy = v;
    x.fill(5);
    CHECK(numbers_in(copy) == std::vector<double>(6, 4));
    CHECK(numbers_in(v) == std::vector<double>(6, 5));
    device::Tensor<double> moved = std::move(v);
    CHECK(std::as_const(moved).data() == std::as_const(x).data());

    // Assigning to a view overwrites the numbers that it shows, whether the other is moved or not.
    const device::Tensor<double> six = ascending_on_device({6});
    moved = six;
    CHECK(numbers_in(x) == std::vector<double>{0, 1, 2, 3, 4, 5});
    device::Tensor<double> ones(Shape{6});
    ones.fill(1);
    moved = std::move(ones);
    CHECK(numbers_in(x) == std::vector<double>(6, 1));
    CHECK(x.shape() == Shape{2, 3});
}

TEST_CASE("device::show: a view keeps its size", "[tensor][device][view]") {
    const device::Tensor<double> x = ascending_on_device({2, 3}), four = ascending_on_device({4});
    device::Tensor<double> v;
    device::show(v, x, {6});
    const std::string refused = "a view of shape (6,) cannot have shape (4,)";
    CHECK(shape_refusal([&] { v.resize({4}); }) == refused);
    CHECK(shape_refusal([&] { device::resize(v, {4}); }) == refused);
    CHECK(shape_refusal([&] { v = four; }) == refused);
    CHECK(shape_refusal([&] { v = ascending_on_device({4}); }) == refused);
    CHECK(v.shape() == Shape{6});
    CHECK(numbers_in(x) == std::vector<double>{0, 1, 2, 3, 4, 5});
    device::resize(v, {1, 6});
    CHECK(v.shape() == Shape{1, 6});
    CHECK(std::as_const(v).data() == x.data());
    device::Tensor<double> itself = ascending_on_device({2, 3});
    device::show(itself, itself, {6});
    CHECK(itself.shape() == Shape{6});
    CHECK(numbers_in(itself) == std::vector<double>{0, 1, 2, 3, 4, 5});
    device::resize(itself, {7}); // it is no view
    CHECK(itself.size() == 7);
}

TEST_CASE("device::watch: sees what changes a tensor, and no reads", "[tensor][device][watch]") {
    using X = device::Tensor<double>;
    CHECK(device_watch_sees([](X& x) { x.fill(5); }));
    CHECK(device_watch_sees([](X& x) { x.data(); }));
    CHECK(device_watch_sees([](X& x) { x.resize({4, 5}); }));
    CHECK(device_watch_sees([](X& x) { device::resize(x, {6}); }));
    CHECK(device_watch_sees([](X& x) { x = ascending_on_device({2, 3}); }));
    CHECK(device_watch_sees([](X& x) {
        const X other = ascending_on_device({2, 3});
        x = other;
    }));
    CHECK(device_watch_sees([](X& x) { device::to_device(ascending({2, 3}), x); }));
    CHECK(device_watch_sees([](X& x) { const X taken = std::move(x); }));
    CHECK(device_watch_sees([](X& x) {
        X other;
        other = std::move(x);
    }));
    CHECK_FALSE(device_watch_sees([](const X& x) { return x.data(); }));
    CHECK_FALSE(device_watch_sees([](const X& x) { const X copy = x; }));
    CHECK_FALSE(device_watch_sees([](X& x) { return device::to_host(x); }));
    CHECK_FALSE(device_watch_sees([](X& x) { device::resize(x, {2, 3}); }));
    CHECK_FALSE(device_watch_sees([](X& x) {
        X v;
        device::show(v, x, {6});
    }));
    Watch seen;
    {
        const X x = ascending_on_device({2});
        seen = device::watch(x);
        CHECK(seen.is_current());
    }
    CHECK_FALSE(seen.is_current());
}

TEST_CASE("device::watch: a view and its tensor see each other's changes", "[tensor][device][watch]") {
    auto x = std::make_unique<device::Tensor<double>>(ascending_on_device({2, 3}));
    const device::Tensor<double> other = ascending_on_device({2});
    device::Tensor<double> v;
    device::show(v, *x, {6});
    Watch of_x = device::watch(*x), of_v = device::watch(v);
    v.fill(1);
    CHECK_FALSE(of_x.is_current());
    CHECK_FALSE(of_v.is_current());
    of_x = device::watch(*x);
    of_v = device::watch(v);
    {
        device::Tensor<double> moved = std::move(v);
        CHECK(of_x.is_current());
        moved.fill(3);
        CHECK_FALSE(of_x.is_current());
        of_x = device::watch(*x);
        device::show(moved, other, {2});
    }
    CHECK(of_x.is_current());
    x->fill(2);
    CHECK_FALSE(of_x.is_current());
    device::show(v, *x, {6});
    of_v = device::watch(v);
    CHECK(of_v.is_current());
    x.reset();
    CHECK_FALSE(of_v.is_current());
}

#endif
