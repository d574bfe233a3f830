// SPDX-License-Identifier: LGPL-2.1-or-later
#include "messages.hpp"

#include <algorithm>

#include "glue/gstptr.hpp"

namespace live {
namespace {

std::string warning_of(GstMessage* message) {
  GError* raw = nullptr;
  gst_message_parse_warning(message, &raw, nullptr);
  const onair::ErrorPtr error{raw};
  std::string text = error->message;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string overload_of(const GstStructure* step) {
  guint rendition = 0;
  gint num = 0;
  gint den = 1;
  gboolean is_down = FALSE;
  guint64 behind = 0;
  gst_structure_get(step, "rendition", G_TYPE_UINT, &rendition, "fps", GST_TYPE_FRACTION, &num,
                    &den, "degraded", G_TYPE_BOOLEAN, &is_down, "behind", G_TYPE_UINT64, &behind,
                    nullptr);
  const onair::GMemory<char> text{g_strdup_printf(
      is_down ? "rendition %u: at most %.3g frames a second, as encoders are %.1f s behind"
              : "rendition %u: up to %.3g frames a second again",
      rendition, static_cast<double>(num) / den,
      static_cast<double>(behind) / static_cast<double>(GST_SECOND))};
  return text.get();
}

}  // namespace

std::optional<std::string> line_for(GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    return warning_of(message);
  const auto* structure = gst_message_get_structure(message);
  if (structure && gst_structure_has_name(structure, "abrladder-overload"))
    return overload_of(structure);
  return std::nullopt;
}

}  // namespace live
