// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair::test {

constexpr const char* kStockJitterBuffer = "rtpjitterbuffer";

// The factory of the jitter buffer under test: ours, unless ONAIR_TEST_JITTERBUFFER names another.
// With rtpjitterbuffer there, the contract tests check themselves on the original.
const std::string& jitterbuffer_factory();
// Whether it is GStreamer's own that is under test. What it is known not to keep is then skipped.
bool is_stock_under_test();

// An element, floating as from its factory; null, and a failure of the test, without the factory.
GstElement* make_element(const std::string& factory);

// The fields of a structure and the names of their types.
using FieldTypes = std::map<std::string, std::string>;
FieldTypes field_types(const GstStructure* structure);

// Of the structure that the element's "stats" gives; 0 and a failure when it is not there.
guint64 stats_count(GstElement* jitterbuffer, const char* field);

}  // namespace onair::test
