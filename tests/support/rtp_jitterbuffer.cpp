// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_jitterbuffer.hpp"

#include <gtest/gtest.h>

namespace onair::test {

const std::string& jitterbuffer_factory() {
  static const std::string factory = [] {
    const char* name = g_getenv("ONAIR_TEST_JITTERBUFFER");
    return std::string{name ? name : "rtpadaptivejitterbuffer"};
  }();
  return factory;
}

bool is_stock_under_test() {
  return jitterbuffer_factory() == kStockJitterBuffer;
}

GstElement* make_element(const std::string& factory) {
  GstElement* element = gst_element_factory_make(factory.c_str(), nullptr);
  EXPECT_TRUE(element) << "there is no element " << factory;
  return element;
}

FieldTypes field_types(const GstStructure* structure) {
  FieldTypes types;
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const char* name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    types[name] = g_type_name(gst_structure_get_field_type(structure, name));
  }
  return types;
}

guint64 stats_count(GstElement* jitterbuffer, const char* field) {
  GstStructure* raw = nullptr;
  g_object_get(jitterbuffer, "stats", &raw, nullptr);
  const StructurePtr stats{raw};
  guint64 count = 0;
  if (!stats || !gst_structure_get_uint64(stats.get(), field, &count))
    ADD_FAILURE() << "no guint64 " << field << " in the statistics";
  return count;
}

}  // namespace onair::test
