// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipeline.hpp"

#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "thinner.hpp"

namespace onair::segments {
namespace {

// Nothing that works takes as long; what is stuck is to say so rather than to be killed.
constexpr GstClockTime kPatience = 120 * GST_SECOND;

std::string take_message(GError* error) {
  std::string message = error ? error->message : "no reason given";
  g_clear_error(&error);
  return message;
}

GstPadProbeReturn thin(GstPad*, GstPadProbeInfo*, gpointer count) {
  return is_left((*static_cast<std::uint64_t*>(count))++) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

GstPadProbeReturn keep(GstPad*, GstPadProbeInfo* info, gpointer record) {
  auto* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  Bytes bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  static_cast<std::vector<Bytes>*>(record)->push_back(std::move(bytes));
  return GST_PAD_PROBE_OK;
}

}  // namespace

Pipeline::Pipeline(const std::string& description) {
  GError* error = nullptr;
  pipeline_ = GstPtr<GstElement>::sink(gst_parse_launch(description.c_str(), &error));
  if (!pipeline_ || error)
    throw std::runtime_error{take_message(error)};
  thin_frames();
}

Pipeline::~Pipeline() {
  if (pipeline_)
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void Pipeline::thin_frames() {
  auto* elements = gst_bin_iterate_elements(GST_BIN(pipeline_.get()));
  GValue value = G_VALUE_INIT;
  while (gst_iterator_next(elements, &value) == GST_ITERATOR_OK) {
    auto* each = GST_ELEMENT(g_value_get_object(&value));
    if (g_str_has_prefix(GST_ELEMENT_NAME(each), kThinner)) {
      const auto src = GstPtr<GstPad>::adopt(gst_element_get_static_pad(each, "src"));
      frame_counts_.push_back(std::make_unique<std::uint64_t>(0));
      gst_pad_add_probe(src.get(), GST_PAD_PROBE_TYPE_BUFFER, thin, frame_counts_.back().get(),
                        nullptr);
    }
    g_value_reset(&value);
  }
  g_value_unset(&value);
  gst_iterator_free(elements);
}

GstPtr<GstElement> Pipeline::element(const std::string& name) const {
  return GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name.c_str()));
}

const std::vector<Bytes>& Pipeline::record(const std::string& name, const std::string& pad_name) {
  const auto pad =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(element(name).get(), pad_name.c_str()));
  records_.push_back(std::make_unique<std::vector<Bytes>>());
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, keep, records_.back().get(), nullptr);
  return *records_.back();
}

void Pipeline::run(const std::function<void()>& at_end) {
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
      bus.get(), kPatience, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (!message)
    throw std::runtime_error{"the pipeline does not come to its end"};
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    throw std::runtime_error{take_message(error)};
  }
  at_end();
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

TemporaryFolder::TemporaryFolder() {
  auto name = (std::filesystem::temp_directory_path() / "onair-segments-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::system_error{errno, std::generic_category(), name};
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace onair::segments
