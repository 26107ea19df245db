#include "catch.hpp"
#include "handgrad/data/transforms.hpp"
#include "handgrad/error.hpp"
#include "support/tensors.hpp"

using namespace handgrad;

TEST_CASE("transforms in a wrong order: the message says which step and what was expected", "[data]") {
    const auto message = [](const data::Transforms& transforms) {
        return support::message_of([&] { data::require_valid(transforms); });
    };
    const data::ToTensor to_tensor;
    const data::Normalize normalize{0.5, 2.0};
    CHECK(message({to_tensor, normalize, normalize}) == "no exception");
    CHECK(message({}) == "transforms: there are none, expected ToTensor first");
    CHECK(message({normalize}) == "transforms: step 0 is Normalize, expected ToTensor");
    CHECK(message({to_tensor, to_tensor}) == "transforms: step 1 is ToTensor, expected Normalize");
    CHECK(message({to_tensor, normalize, to_tensor}) == "transforms: step 2 is ToTensor, expected Normalize");
}
