#include "telemetry/exposition.hpp"

#include <gtest/gtest.h>

namespace fairlead::telemetry {
namespace {

TEST(Exposition, SamplesOfOneNameShareOneFamily) {
    Exposition exposition;
    exposition.counter("x_total", "What x counts.", 3, {{"transport", "udp"}});
    exposition.gauge("y", "What y is.", 1.5);
    exposition.counter("x_total", "What x counts.", 4, {{"transport", "tcp"}});
    EXPECT_EQ(exposition.text(), "# HELP x_total What x counts.\n"
                                 "# TYPE x_total counter\n"
                                 "x_total{transport=\"udp\"} 3\n"
                                 "x_total{transport=\"tcp\"} 4\n"
                                 "# HELP y What y is.\n"
                                 "# TYPE y gauge\n"
                                 "y 1.5\n");
}

TEST(Exposition, LabelValuesAreEscaped) {
    Exposition exposition;
    exposition.gauge("y", "", 1, {{"reason", "a\"b\\c\nd"}});
    EXPECT_NE(exposition.text().find(R"(y{reason="a\"b\\c\nd"} 1)"), std::string::npos) << exposition.text();
}

} // namespace
} // namespace fairlead::telemetry
