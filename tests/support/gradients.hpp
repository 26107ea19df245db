#pragma once
// Proves a gradient in the tests: compares every entry with the complex step and with central differences, within the
// tolerances of the library's table. The proof must fail for planted errors.

#include <string>

#include "catch.hpp"
#include "handgrad/check/check.hpp"
#include "support/tensors.hpp"

namespace support {

namespace check = handgrad::check;

/// The numeric gradients of one function with respect to one of its inputs.
class Numeric {
public:
    /// @param name name of the gradient, "dw"
    /// @param f    a function of the input alone, for any scalar: `[&](const auto& w) { ... }`
    /// @param at   value of the input
    template <class F> Numeric(std::string name, const F& f, const Tensor<double>& at)
        : name_(std::move(name)), exact_(check::complex_step(f, at)), differences_(check::central_difference(f, at)) {
        static_assert(check::is_traceable<const F, double>, "kinks are to be found for certain");
        INFO(name_ << ": the inputs of a test must be held away from kinks");
        CHECK(differences_.kinks.empty());
        CHECK(differences_.tolerance.relative == check::central_difference_tolerance.relative);
        CHECK(differences_.tolerance.entrywise == check::central_difference_tolerance.entrywise);
    }

    /// Whether a gradient agrees with both numeric gradients; in float, with the complex step only.
    template <class T> bool agrees(const Tensor<T>& analytic, std::string* why = nullptr) const {
        const check::Report exact = check::compare(name_, analytic, exact_);
        if (why) { *why += check::to_string(exact); }
        bool good = exact.passed() && exact.compared == exact_.size();
        if constexpr (std::is_same_v<T, double>) {
            const check::Report rough = check::compare(name_, analytic, differences_);
            if (why) { *why += check::to_string(rough); }
            good = good && rough.passed() && rough.compared == exact_.size();
        }
        return good;
    }

    /// Requires that `analytic` is right, and that copies of it with a planted error are wrong.
    template <class T> void prove(const Tensor<T>& analytic) const {
        std::string why;
        const bool good = agrees(analytic, &why);
        INFO(why);
        CHECK(good);
        const T slightly = static_cast<T>(std::is_same_v<T, float> ? 1 + 1e-4 : 1 + 1e-9);
        const auto largest =
            static_cast<std::size_t>(std::max_element(analytic.data(), analytic.data() + analytic.size(),
                                                      [](T a, T b) { return std::abs(a) < std::abs(b); }) -
                                     analytic.data());
        Tensor<T> wrong = analytic;
        wrong.data()[largest] *= slightly;
        refuse("its largest entry is slightly off", wrong);
        wrong = analytic;
        wrong.data()[largest] = std::numeric_limits<T>::quiet_NaN();
        refuse("an entry is NaN", wrong);
        wrong = -analytic;
        refuse("it has the wrong sign", wrong);
        refuse("it is zero", handgrad::zeros<T>(analytic.shape()));
        wrong = T(2) * analytic;
        refuse("it was added up twice", wrong);
    }

    /// Requires that a gradient is recognised as wrong.
    template <class T> void refuse(const std::string& mistake, const Tensor<T>& wrong) const {
        INFO(name_ << " passes although " << mistake);
        CHECK_FALSE(agrees(wrong));
    }

private:
    std::string name_;
    Tensor<double> exact_;
    check::Differences differences_;
};

} // namespace support
