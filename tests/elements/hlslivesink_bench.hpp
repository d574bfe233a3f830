// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "key_frame_requests.hpp"
#include "on_a_thread.hpp"
#include "pad_feeder.hpp"
#include "structure_fields.hpp"
#include "transport_stream.hpp"

namespace onair::test {

constexpr Duration kSoundFrame{24ms};  // MP3 at 48 kHz
constexpr Duration kPicture{100ms};    // ten a second

using Strings = std::vector<std::string>;

// One sink pad, and an encoder in front of it. A frame carries its name: "K1000" a key frame, "D1100"
// another picture, "S1008" sound, with their PTS in ms.
class LiveStream : public PadFeeder {
 public:
  LiveStream(GstElement* element, const char* name);
  ~LiveStream();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_audio() const { return name_.rfind("audio", 0) == 0; }
  [[nodiscard]] GstPad* in() const { return in_.get(); }
  void open(const std::string& caps = {});  // empty: those of its kind
  void end() { push_event(gst_event_new_eos()); }
  void give_back();
  // Frames stay in front of the element's own part, behind hlsbalancer, until release().
  void hold();
  void release();

  GstFlowReturn sound(Duration pts);
  // Those that begin from `from` on and in front of `to`, on the grid.
  GstFlowReturn sounds(Duration from, Duration to);
  GstFlowReturn key(Duration pts);
  GstFlowReturn picture(Duration pts);
  // A key frame where one was asked for, and at first.
  GstFlowReturn encode(Duration pts);
  GstFlowReturn encode(Duration from, Duration to);
  // Of that instant, by the clock of who captured it, or by ours when it arrived.
  void push_timeline(Duration running_time, Duration since_1970, bool is_captured);

 private:
  GstFlowReturn push(Duration pts, const std::string& head, const std::string& label,
                     bool is_delta);

  GstElement* const element_;
  GstPtr<GstPad> in_;
  std::string name_;
  KeyFrameRequests requests_;
  bool is_encoding_ = false;
  GstPtr<GstPad> held_;
  gulong hold_ = 0;
};

// How request-resource answers.
struct Answer {
  guint status = 0;
  std::string data;
  bool is_complete = false;
  std::string type;
  std::string cache_control;
  std::string reason;
  std::string wait_for;
  Duration patience{};
};

Answer ask(GstElement* source, const std::string& target, guint64 offset = 0);

// What a segment or part holds, as names of frames: "K0 D100", "S0 S24 S48".
struct Media {
  std::string pictures;
  std::string sounds;
  segments::TransportStream stream;
};

// One hlslivesink around the real hlsbalancer and muxer, with a clock that stands still until the test
// moves it. What it has in memory is asked for as a player would.
class LiveSinkBench : public ElementBench {
 public:
  explicit LiveSinkBench(const std::string& properties = {}, GstState state = GST_STATE_PLAYING);
  ~LiveSinkBench();

  LiveStream& add(const char* name, const std::string& caps = {});
  LiveStream& stream(std::size_t index) { return *streams_.at(index); }  // as they were added
  // All streams at once, each on a thread of its own where it may have to wait for others.
  void broadcast(Duration from, Duration to);
  void end();

  Answer get(const std::string& target, guint64 offset = 0) {
    return ask(element(), target, offset);
  }
  // The first answer of which that is true; resource-changed says when to look again.
  Answer wait_for(const std::string& target, const std::function<bool(const Answer&)>& is_true);
  // A playlist, once it has this in it.
  std::string wait_for(const std::string& target, std::string_view text);
  // Without what is at its head, line by line.
  static Strings lines(const std::string& playlist);
  // Of these lines, those that begin so.
  static Strings tags(const std::string& playlist, std::string_view tag);

  Media media(const std::string& name);
  static Media read(const std::string& bytes);
  // Of `rendition-0`.
  guint64 progress(const char* field, const char* rendition = "0");
  // Once it is that.
  bool wait_for_progress(const char* field, guint64 value, const char* rendition = "0");
  // Whether it comes true.
  bool wait_until(const std::function<bool()>& is_true) { return wait(is_true); }
  // Of the hlsbalancer inside.
  guint64 balancer_stat(const char* field);
  // What resource-changed told of so far.
  Strings changes();
  bool wait_for_change(const std::string& name);
  Strings warnings();
  Strings errors();

 private:
  static void on_change(GstElement* element, const char* name, gpointer self);
  void keep(const std::string& playlist);
  bool wait(const std::function<bool()>& is_true);
  Strings texts(GstMessageType type);

  std::vector<std::unique_ptr<LiveStream>> streams_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Strings changes_;
};

}  // namespace onair::test
