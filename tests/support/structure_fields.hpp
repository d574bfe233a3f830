// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

// Fields of a structure, with failures of the test where they are missing.
namespace onair::test {

inline guint uint_of(const GstStructure* structure, const char* field) {
  guint value = 0;
  EXPECT_TRUE(structure && gst_structure_get_uint(structure, field, &value)) << field;
  return value;
}

inline guint64 uint64_of(const GstStructure* structure, const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(structure && gst_structure_get_uint64(structure, field, &value)) << field;
  return value;
}

inline gint64 int64_of(const GstStructure* structure, const char* field) {
  gint64 value = 0;
  EXPECT_TRUE(structure && gst_structure_get_int64(structure, field, &value)) << field;
  return value;
}

inline bool flag_of(const GstStructure* structure, const char* field) {
  gboolean value = FALSE;
  EXPECT_TRUE(structure && gst_structure_get_boolean(structure, field, &value)) << field;
  return value != FALSE;
}

inline std::string text_of(const GstStructure* structure, const char* field) {
  const gchar* value = structure ? gst_structure_get_string(structure, field) : nullptr;
  EXPECT_TRUE(value) << field;
  return value ? value : "";
}

}  // namespace onair::test
