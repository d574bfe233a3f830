// SPDX-License-Identifier: LGPL-2.1-or-later
// simulcast-consumer PROPERTIES: a whiplistensrc with these, and behind each of its pads a decoder. It writes
// a JSON object a line; what it obeys are lines too:
//   report         what each pad has brought so far, and the element's statistics
//   key PAD        ask upstream of this pad for a key frame
//   lose PERCENT PT of the packets that arrive, seeded; those of this payload type are counted
//   quit
#include <array>
#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <string>

#include <gst/video/video.h>

#include "glue/gstptr.hpp"

namespace {

using onair::GMemory;
using onair::GstPtr;

struct Consumer {
  std::string rid;
  GstPtr<GstElement> bin;
  GstPtr<GstPad> sink;  // of the depayloader
  std::atomic<unsigned> key_frames = 0;
  std::atomic<unsigned> pictures = 0;
  std::atomic<int> width = 0;
  std::atomic<int> height = 0;
};

std::mutex mutex;  // of all below
std::map<std::string, std::shared_ptr<Consumer>> consumers;
std::mt19937 random_source{7};
double loss = 0;
unsigned counted_type = 0;
unsigned lost = 0;  // of that payload type

// A line at a time, whoever writes it.
void say(const std::string& line) {
  static std::mutex output;
  const std::lock_guard lock{output};
  std::cout << line << std::endl;
}

GstPadProbeReturn on_parsed(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& consumer = *static_cast<Consumer*>(data);
  if (!GST_BUFFER_FLAG_IS_SET(gst_pad_probe_info_get_buffer(info), GST_BUFFER_FLAG_DELTA_UNIT))
    ++consumer.key_frames;
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_decoded(GstPad* pad, GstPadProbeInfo*, gpointer data) {
  auto& consumer = *static_cast<Consumer*>(data);
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
  int size = 0;
  if (gst_structure_get_int(structure, "width", &size))
    consumer.width = size;
  if (gst_structure_get_int(structure, "height", &size))
    consumer.height = size;
  ++consumer.pictures;
  return GST_PAD_PROBE_OK;
}

void on_pad_added(GstElement*, GstPad* pad, gpointer pipeline) {
  const GMemory<char> name{gst_pad_get_name(pad)};
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const char* rid = gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "rid");
  const bool is_video = g_str_has_prefix(name.get(), "video");
  const char* line = is_video
                         ? "rtph264depay name=first ! h264parse name=parse "
                           "! video/x-h264,stream-format=byte-stream,alignment=au "
                           "! avdec_h264 max-threads=1 ! fakesink name=end sync=false async=false"
                         : "fakesink name=first sync=false async=false";
  auto* bin = gst_parse_bin_from_description(line, FALSE, nullptr);
  const auto pad_of = [bin](const char* element, const char* its_pad) {
    const auto found = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), element));
    return GstPtr<GstPad>::adopt(gst_element_get_static_pad(found.get(), its_pad));
  };
  const auto consumer = std::make_shared<Consumer>();
  consumer->bin = GstPtr<GstElement>::sink(bin);
  consumer->rid = rid ? rid : "";
  consumer->sink = pad_of("first", "sink");
  if (is_video) {
    gst_pad_add_probe(pad_of("parse", "src").get(), GST_PAD_PROBE_TYPE_BUFFER, on_parsed,
                      consumer.get(), nullptr);
    gst_pad_add_probe(pad_of("end", "sink").get(), GST_PAD_PROBE_TYPE_BUFFER, on_decoded,
                      consumer.get(), nullptr);
  }
  auto* ghost = gst_ghost_pad_new("sink", consumer->sink.get());
  gst_element_add_pad(bin, ghost);
  gst_bin_add(GST_BIN(pipeline), bin);
  gst_element_sync_state_with_parent(bin);
  gst_pad_link(pad, ghost);
  {
    const std::lock_guard lock{mutex};
    consumers[name.get()] = consumer;
  }
  say(std::string{R"({"event":"pad","name":")"} + name.get() + R"(","rid":")" + consumer->rid +
      "\"}");
}

void on_pad_removed(GstElement*, GstPad* pad, gpointer pipeline) {
  const GMemory<char> name{gst_pad_get_name(pad)};
  std::shared_ptr<Consumer> gone;
  {
    const std::lock_guard lock{mutex};
    gone = consumers[name.get()];
    consumers.erase(name.get());
  }
  gst_element_set_state(gone->bin.get(), GST_STATE_NULL);
  gst_bin_remove(GST_BIN(pipeline), gone->bin.get());
  say(std::string{R"({"event":"gone","name":")"} + name.get() + "\"}");
}

// SRTP's header is in the clear (RFC 3711 section 3.1); RFC 5761 section 4 tells RTCP apart.
GstPadProbeReturn on_arriving(GstPad*, GstPadProbeInfo* info, gpointer) {
  std::array<guint8, 2> head{};
  if (gst_buffer_extract(gst_pad_probe_info_get_buffer(info), 0, head.data(), 2) != 2)
    return GST_PAD_PROBE_OK;
  const bool is_rtp = head[0] >> 6 == 2 && ((head[1] & 0x7f) < 64 || (head[1] & 0x7f) > 95);
  if (!is_rtp)
    return GST_PAD_PROBE_OK;
  const std::lock_guard lock{mutex};
  if (std::uniform_real_distribution{0., 100.}(random_source) >= loss)
    return GST_PAD_PROBE_OK;
  lost += (head[1] & 0x7fu) == counted_type ? 1 : 0;
  return GST_PAD_PROBE_DROP;
}

void on_element(GstBin*, GstBin*, GstElement* element, gpointer) {
  GstElementFactory* factory = gst_element_get_factory(element);
  if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), "nicesrc"))
    return;
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_arriving, nullptr, nullptr);
}

gboolean on_message(GstBus*, GstMessage* message, gpointer loop) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const GMemory<char> source{gst_object_get_name(GST_MESSAGE_SRC(message))};
    say(std::string{R"({"event":"error","by":")"} + source.get() + "\"}");
    g_printerr("%s\n", raw->message);
    g_error_free(raw);
    g_main_loop_quit(static_cast<GMainLoop*>(loop));
  } else if (gst_message_has_name(message, "whip-session")) {
    const GstStructure* said = gst_message_get_structure(message);
    const char* layers = gst_structure_get_string(said, "layers");
    say(std::string{R"({"event":"session","state":")"} + gst_structure_get_string(said, "state") +
        R"(","layers":")" + (layers ? layers : "") + "\"}");
  }
  return G_SOURCE_CONTINUE;
}

void report(GstElement* whip) {
  GstStructure* stats = nullptr;
  g_object_get(whip, "stats", &stats, nullptr);
  const auto number = [](const GstStructure* structure, const char* name) {
    const GValue* value = structure ? gst_structure_get_value(structure, name) : nullptr;
    const GMemory<char> text{value ? gst_value_serialize(value) : g_strdup("null")};
    return std::string{text.get()};
  };
  std::ostringstream line;
  const std::lock_guard lock{mutex};
  line << R"({"event":"report","dropped":)" << lost << R"(,"pads":{)";
  const char* separator = "";
  for (const auto& [name, consumer] : consumers) {
    const GValue* value = gst_structure_get_value(stats, name.c_str());
    if (!value)
      value = gst_structure_get_value(stats, name.substr(0, name.find('_')).c_str());
    const GstStructure* one = value ? gst_value_get_structure(value) : nullptr;
    line << separator << '"' << name << R"(":{"rid":")" << consumer->rid << R"(","pictures":)"
         << consumer->pictures << R"(,"keyFrames":)" << consumer->key_frames << R"(,"width":)"
         << consumer->width << R"(,"height":)" << consumer->height << R"(,"packets":)"
         << number(one, "packets") << R"(,"lost":)" << number(one, "lost") << R"(,"requests":)"
         << number(one, "keyframe-requests") << '}';
    separator = ",";
  }
  line << "}}";
  gst_structure_free(stats);
  say(line.str());
}

struct Control {
  GstElement* whip;
  GMainLoop* loop;
};

gboolean on_command(GIOChannel* input, GIOCondition, gpointer data) {
  const auto& control = *static_cast<Control*>(data);
  gchar* raw = nullptr;
  if (g_io_channel_read_line(input, &raw, nullptr, nullptr, nullptr) != G_IO_STATUS_NORMAL) {
    g_main_loop_quit(control.loop);
    return G_SOURCE_REMOVE;
  }
  std::istringstream line{GMemory<char>{raw}.get()};
  std::string command;
  line >> command;
  if (command == "report") {
    report(control.whip);
  } else if (command == "key") {
    std::string name;
    line >> name;
    const std::lock_guard lock{mutex};
    if (const auto at = consumers.find(name); at != consumers.end())
      gst_pad_push_event(at->second->sink.get(),
                         gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
  } else if (command == "lose") {
    const std::lock_guard lock{mutex};
    line >> loss >> counted_type;
  } else if (command == "quit") {
    g_main_loop_quit(control.loop);
  }
  return G_SOURCE_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const std::string line =
      std::string{"whiplistensrc name=whip port=0 "} + (argc > 1 ? argv[1] : "");
  GError* error = nullptr;
  const auto whip = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &error));
  if (!whip || error) {
    g_printerr("%s\n", error ? error->message : "no whiplistensrc");
    return 2;
  }
  const auto pipeline = GstPtr<GstElement>::sink(gst_pipeline_new(nullptr));
  gst_bin_add(GST_BIN(pipeline.get()), whip.get());
  g_signal_connect(whip.get(), "pad-added", G_CALLBACK(on_pad_added), pipeline.get());
  g_signal_connect(whip.get(), "pad-removed", G_CALLBACK(on_pad_removed), pipeline.get());
  g_signal_connect(pipeline.get(), "deep-element-added", G_CALLBACK(on_element), nullptr);
  auto* loop = g_main_loop_new(nullptr, FALSE);
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  gst_bus_add_watch(bus.get(), on_message, loop);
  Control control{whip.get(), loop};
  auto* input = g_io_channel_unix_new(0);
  g_io_add_watch(input, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP), on_command, &control);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  guint port = 0;
  g_object_get(whip.get(), "current-port", &port, nullptr);
  say(R"({"event":"listening","port":)" + std::to_string(port) + "}");
  g_main_loop_run(loop);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  gst_bus_remove_watch(bus.get());
  g_io_channel_unref(input);
  g_main_loop_unref(loop);
  return 0;
}
