// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element_bench.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include <gtest/gtest.h>

#include "patience.hpp"
#include "structure_fields.hpp"

namespace onair::test {
namespace {

// GLib's and GStreamer's own complaints: nothing that comes from outside may cause any.
void fail_on_complaint(const gchar* domain, GLogLevelFlags level, const gchar* text, gpointer) {
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    ADD_FAILURE() << (domain ? domain : "") << ": " << text;
  else
    g_log_default_handler(domain, level, text, nullptr);
}

}  // namespace

ElementBench::ElementBench(const std::string& line, Duration now)
    : clock_{now}, bus_{GstPtr<GstBus>::adopt(gst_bus_new())} {
  g_log_set_default_handler(fail_on_complaint, nullptr);
  GError* raw = nullptr;
  GstElement* made = gst_parse_launch(line.c_str(), &raw);
  const ErrorPtr error{raw};
  if (!made || error) {
    ADD_FAILURE() << line << ": " << (error ? error->message : "no element");
    std::abort();
  }
  element_ = GstPtr<GstElement>::sink(made);
  gst_element_set_bus(element(), bus_.get());
  clock_.give_to(element());
}

ElementBench::~ElementBench() {
  set_state(GST_STATE_NULL);
  gst_element_set_bus(element(), nullptr);
}

GstPtr<GstPad> ElementBench::static_pad(const std::string& name) const {
  auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element(), name.c_str()));
  if (!pad) {
    ADD_FAILURE() << "no pad " << name;
    std::abort();
  }
  return pad;
}

StructurePtr ElementBench::stats() {
  GstStructure* stats = nullptr;
  g_object_get(element(), "stats", &stats, nullptr);
  return StructurePtr{stats};
}

guint64 ElementBench::stat(const char* field) {
  return uint64_of(stats().get(), field);
}

std::vector<GstPtr<GstMessage>> ElementBench::messages(GstMessageType type, const char* name) {
  while (auto message = GstPtr<GstMessage>::adopt(gst_bus_pop(bus_.get())))
    messages_.push_back(std::move(message));
  const auto found =
      std::stable_partition(messages_.begin(), messages_.end(), [&](const auto& message) {
        return GST_MESSAGE_TYPE(message.get()) != type ||
               (name && !gst_message_has_name(message.get(), name));
      });
  std::vector<GstPtr<GstMessage>> taken{std::make_move_iterator(found),
                                        std::make_move_iterator(messages_.end())};
  messages_.erase(found, messages_.end());
  return taken;
}

bool ElementBench::wait_for_message(GstMessageType type) {
  const auto patience = static_cast<GstClockTime>(kPatience.count()) * GST_SECOND;
  while (messages(type).empty()) {
    auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop(bus_.get(), patience));
    if (!message)
      return false;
    messages_.push_back(std::move(message));
  }
  return true;
}

}  // namespace onair::test
