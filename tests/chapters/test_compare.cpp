#include "compare.hpp"

#include <stdexcept>
#include <string>

#include "catch.hpp"

using handgrad::chapters::compare;
using handgrad::chapters::parse_rules;
using handgrad::chapters::tokenize;
using handgrad::chapters::Tolerance;

namespace {

std::size_t differences(const std::string& expected, const std::string& actual, const std::string& rules = "") {
    return compare(expected + "\n", actual + "\n", Tolerance{}, parse_rules(rules)).differences;
}

std::string shown(const std::string& line) {
    std::string text;
    for (const auto& token : tokenize(line)) {
        text += "t#.~"[static_cast<int>(token.kind)] + std::string("{") + token.text + "}";
    }
    return text;
}

} // namespace

TEST_CASE("a line is cut into text and numbers", "[compare]") {
    CHECK(shown("loss 1e-5, -0.5 (+3)") == "t{loss }.{1e-5}t{, }.{-0.5}t{ (}#{+3}t{)}");
    CHECK(shown("conv1 w2_3 float32 v1.5") == "t{conv1 w2_3 float32 v1.5}");
    CHECK(shown("784-100-10") == "#{784}t{-}#{100}t{-}#{10}");
    CHECK(shown("It is 5.") == "t{It is }#{5}t{.}");
    CHECK(shown("12,345 2D 5x5 1.2.3") == "#{12}t{,}#{345}t{ }#{2}t{D }#{5}t{x5 }.{1.2}t{.3}");
    CHECK(shown("nan -nan inf, info nano") == ".{nan}t{ }.{-nan}t{ }.{inf}t{, info nano}");
    CHECK(shown("   7   a   8   ") == "#{7}t{ a }#{8}");
    CHECK(shown("took ~  ~0.47 s at ~12") == "t{took ~}~{0.47}t{s at}~{12}");
    CHECK(shown("~nan ~x") == "t{~}.{nan}t{ ~x}");
    CHECK(shown("") == "");
    CHECK(shown("  ") == "t{  }");
}

TEST_CASE("equal outputs agree", "[compare]") {
    CHECK(differences("a", "a") == 0);
    CHECK(differences("", "") == 0);
    CHECK(differences("loss   0.5\n\nend", "loss   0.5\n\nend") == 0);
}

TEST_CASE("text is compared exactly", "[compare]") {
    CHECK(differences("loss", "lost") == 1);
    CHECK(differences("loss", "loss ") == 1);
    CHECK(differences("two  words", "two words") == 1);
    CHECK(differences("conv1", "conv2") == 1);
    CHECK(differences("loss 0.5 s", "loss 0.5 ms") == 1);
    CHECK(differences("loss 0.5", "loss abc") == 1);
    CHECK(differences("loss 0.5", "loss") == 1);
    CHECK(differences("a", "") == 1);
}

TEST_CASE("numbers are compared within the tolerance", "[compare]") {
    CHECK(differences("1.000000", "1.0000009") == 0);
    CHECK(differences("1.000000", "1.0000011") == 1);
    CHECK(differences("0.0", "9e-10") == 0);
    CHECK(differences("0.0", "1.1e-9") == 1);
    CHECK(differences("0.5", "-0.5") == 1);
    CHECK(differences("-0.0", "0.0") == 0);
    CHECK(differences("1", "0.9999999") == 0); // as "{:g}" prints a float
    CHECK(differences("60000", "60000") == 0);
    CHECK(differences("60000", "60001") == 1);
    CHECK(differences("10000000", "10000001") == 1); // within rtol, but whole
    CHECK(differences("9007199254740992", "9007199254740993") == 1);
    CHECK(differences("nan", "nan") == 0);
    CHECK(differences("nan", "-nan") == 0);
    CHECK(differences("nan", "0.5") == 1);
    CHECK(differences("0.5", "nan") == 1);
    CHECK(differences("inf", "inf") == 0);
    CHECK(differences("inf", "-inf") == 1);
    CHECK(differences("1.0", "inf") == 1);
    CHECK(differences("nan", "inf") == 1);
}

TEST_CASE("blanks beside numbers are one blank", "[compare]") {
    CHECK(differences("| 100.0000001 |", "|  100.0000002    |") == 0);
    CHECK(differences("  9.99999999", "10.00000000") == 0);
    CHECK(differences("a   1.0   b", "a 1.0 b") == 0);
    CHECK(differences("a 1.0 b", "a1.0 b") == 1);
    CHECK(differences("a 1.0 b", "a 1.0b") == 1);
}

TEST_CASE("the machine's numbers are masked, but must be there", "[compare]") {
    CHECK(differences("~0.47 s", "~12 s") == 0);
    CHECK(differences("|   ~0.47 |", "| ~1234.56 |") == 0);
    CHECK(differences("~0.47 s", "0.47 s") == 1);
    CHECK(differences("0.47 s", "~0.47 s") == 1);
    CHECK(differences("~0.47 s", "~nan s") == 1);
    CHECK(differences("~0.47 s", "~inf s") == 1);
    CHECK(differences("~0.47 s", "~ s") == 1);
    CHECK(differences("# handgrad 0.1.0 | a", "# handgrad 0.2.0 | b c") == 0);
    CHECK(differences("# handgrad 0.1.0", "") == 1);
    CHECK(differences("# other 0.1.0", "# other 0.2.0") == 1);
}

TEST_CASE("a missing or additional line is one difference", "[compare]") {
    const auto missing = compare("a\nb\nc\nd\n", "a\nc\nd\n", {});
    CHECK(missing.differences == 1);
    CHECK(missing.text == "line 2 is missing:\n    expected | b\n");
    const auto more = compare("a\nb\n", "a\nx\nb\n", {});
    CHECK(more.differences == 1);
    CHECK(more.text == "line 2 is too many:\n    actual   | x\n");
    CHECK(differences("a\nb", "b\na") == 2);
    CHECK(differences("a\nb", "a") == 1);
    CHECK(compare("a\n", "a", {}).differences == 1);
    CHECK(compare("a\n", "", {}).differences == 1);
}

TEST_CASE("nothing expected is nothing compared", "[compare]") {
    CHECK(compare("", "", {}).differences == 1);
    CHECK(compare("", "a\n", {}).differences > 0);
}

TEST_CASE("the report names the number that is off", "[compare]") {
    CHECK(compare("same\nepoch 3: loss 0.5\n", "same\nepoch 3: loss 0.75\n", {}).text ==
          "line 2:\n    expected | epoch 3: loss 0.5\n    actual   | epoch 3: loss 0.75\n"
          "    number 2: 0.75 instead of 0.5, off by 0.25, allowed 5.01e-07\n");
    std::string many, other;
    for (int i = 0; i < 30; ++i) {
        many += "a\n";
        other += "b\n";
    }
    const auto report = compare(many, other, {});
    CHECK(report.differences == 30);
    CHECK(report.text.find("... and 10 more") != std::string::npos);
}

TEST_CASE("rules give lines other tolerances", "[compare]") {
    const std::string rules = "# accuracies differ between kernels\n\n^accuracy\t0.01 0.5\r\n^ *#+ digits mask\n";
    const std::string expected = "accuracy 9700\nloss 0.5\n## digits ##", masked = "\n## other ##";
    CHECK(differences(expected, "accuracy 9750\nloss 0.5" + masked, rules) == 0);
    CHECK(differences(expected, "accuracy 9797.5\nloss 0.5" + masked, rules) == 0);
    CHECK(differences(expected, "accuracy 9798\nloss 0.5" + masked, rules) == 1);
    CHECK(differences(expected, "accuracy 9700\nloss 0.51" + masked, rules) == 1);
    CHECK(differences(expected, "exactness 9700\nloss 0.5" + masked, rules) == 1);
    CHECK(differences(expected, "accuracy 9700\nloss 0.5", rules) == 1); // a masked line must be there
    CHECK(differences("loss 0.5", "loss 0.5", "^accuracy 1 1") == 1);    // a rule for nothing
    CHECK(differences("a 1.0", "a 1.5", "a 0 0.5\na 0 0") == 0 + 1);     // the first counts, so the second is idle
}

TEST_CASE("optional lines may be there or not, and all others must", "[compare]") {
    const std::string rules = "^GPU optional\n^CPU 0 0.5";
    CHECK(differences("CPU 3", "CPU 3", rules) == 0); // the rule need not match
    CHECK(differences("CPU 3", "CPU 3\nGPU 5", rules) == 0);
    CHECK(differences("CPU 3\nGPU 5\nend", "CPU 3\nend", rules) == 0);
    CHECK(differences("CPU 3\nGPU 5", "GPU 7\nCPU 3", rules) == 0);
    CHECK(differences("CPU 3\nGPU 5", "CPU 4\nGPU 5", rules) == 1);
    CHECK(differences("CPU 3", "GPU 5", rules) == 1);           // a line that is not optional is missing
    CHECK(differences("CPU 3", "CPU 3\n GPU 5", rules) == 1);   // not this one
    CHECK(differences("GPU 5", "GPU 5", "^GPU optional") == 1); // nothing is left to compare
}

TEST_CASE("malformed rules are refused with their line", "[compare]") {
    for (const std::string bad :
         {"mask", "1e-3 0", "x 1e-3", "x 1e-3 y", "x -1 0", "x nan 0", "x 0 inf", "[ mask", "x"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(parse_rules(bad), std::invalid_argument);
    }
    CHECK_THROWS_WITH(parse_rules("a mask\nb"),
                      "line 2: got 'b', expected REGEX RTOL ATOL, REGEX mask or REGEX optional");
}
