#pragma once
/// @file
/// How closely two gradients must agree: the one table that every check uses.
///
/// | what is compared                              | relative | entrywise | why |
/// | --------------------------------------------- | -------- | --------- | --- |
/// | a formula in double and the complex step      | 1e-13    | 1e-11     | both carry rounding errors only |
/// | a formula in double and central differences   | 1e-9     | 1e-6      | truncation h^2 = 1e-10 and rounding eps/h = 2e-11, at h = 1e-5 |
/// | a formula in float and one in double          | 1e-5     | 0         | about 100 roundings of 6e-8 each; small entries are sums of large ones |
/// | a formula in float and differences in float   | 1e-2     | 0         | eps/h at h = 5e-3: good for a first look, proves little |
///
/// An analytic entry a and a numeric entry c agree if
///
///     |a - c| <= relative * max|c| + entrywise * |c|
///
/// where max|c| is the maximum over the compared entries of the tensor. The first term allows for the rounding errors
/// of an entry that is a small difference of large terms; the second is the usual relative error. The errors of a wrong
/// formula are far above the tolerances; the tests of the checker prove that with planted errors.

namespace handgrad::check {

/// The two numbers of the condition |a - c| <= relative * max|c| + entrywise * |c|. Neither has a unit.
struct Tolerance {
    double relative;  ///< in units of the largest numeric entry
    double entrywise; ///< in units of the entry itself
};

/// A hand-written gradient in double against complex_step().
inline constexpr Tolerance complex_step_tolerance{1e-13, 1e-11};

/// A hand-written gradient in double against central_difference() with its default step, 1e-5.
inline constexpr Tolerance central_difference_tolerance{1e-9, 1e-6};

/// A gradient computed in float against one computed in double, numeric or not.
inline constexpr Tolerance float_tolerance{1e-5, 0};

/// A gradient against central_difference() of a function in float with its default step, 5e-3.
inline constexpr Tolerance float_difference_tolerance{1e-2, 0};

} // namespace handgrad::check
