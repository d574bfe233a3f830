// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "learned_stream.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/received_stream.hpp"

namespace onair::rtplisten {

// The way of one stream of a session to its consumer: [rtpsession !] jitter buffer ! outlet. With an rtpsession,
// sender reports reach the jitter buffer, and key frame requests and receiver reports leave. The outlet appears
// with the first packet that the jitter buffer lets go.
class MediaPath : public std::enable_shared_from_this<MediaPath> {
 public:
  struct Config {
    MediaKind kind = MediaKind::Audio;
    GstBin* bin = nullptr;  // outlives the path
    GstPadTemplate* pad_template = nullptr;
    std::string jitterbuffer;  // factory
    guint latency_ms = 0;      // the largest
    std::string group;         // of the session's jitter buffers
    guint group_id = 0;        // of its GStreamer streams
    Duration keyframe_interval{};
    std::function<ClockTime()> now;
    std::function<void(GstBuffer*)> send_rtcp;  // any thread; null: there is no RTCP
  };

  // Null when an element is missing. Control thread.
  static std::shared_ptr<MediaPath> create(Config config, const std::string& stream_id);
  ~MediaPath();
  MediaPath(const MediaPath&) = delete;
  MediaPath& operator=(const MediaPath&) = delete;

  // One after the other, and none during or after close().
  void push(const Source& source, GstPtr<GstBuffer> packet);
  void push_rtcp(GstPtr<GstBuffer> packet);

  // Takes all but the outlet away, which still hands on its last packets, followed by EOS if asked for. Null
  // when there was none yet. Control thread.
  std::shared_ptr<Outlet> close(bool send_eos);

  // Any thread.
  [[nodiscard]] std::shared_ptr<ReceivedStream> received();  // null before the first packet
  [[nodiscard]] bool owns(GstObject* element) const {
    return element &&
           (element == GST_OBJECT(session_.get()) || element == GST_OBJECT(jitterbuffer_.get()));
  }

 private:
  explicit MediaPath(Config config) : config_{std::move(config)} {}
  bool build(const std::string& stream_id);
  bool add_rtcp(const std::string& stream_id);
  bool make_jitterbuffer();
  [[nodiscard]] GstPtr<GstCaps> caps_of(const Source& source) const;
  [[nodiscard]] std::string free_pad_name() const;

  static GstPadProbeReturn on_first_packet(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_request(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void let_out(GstPad* pad);

  const Config config_;
  GstPtr<GstElement> session_;  // rtpsession; null without RTCP
  GstPtr<GstElement> jitterbuffer_;
  GstPtr<GstPad> rtp_;       // pushes what comes into the elements
  GstPtr<GstPad> rtcp_;      // the same of RTCP
  GstPtr<GstPad> feedback_;  // takes the RTCP that leaves
  Guarded<Source> source_;   // of the packets that come now
  bool has_caps_ = false;
  Guarded<std::shared_ptr<ReceivedStream>> received_;
};

}  // namespace onair::rtplisten
