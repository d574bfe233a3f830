// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "rtp_jitterbuffer.hpp"
#include "rtp_link.hpp"
#include "rtp_recorder.hpp"

namespace onair::test {

// One stream as rtpbin receives it: the jitter buffer that was asked for, what went through its
// signals, and what came out behind it.
class RtpReceived {
 public:
  // What handle-sync said.
  struct Sync {
    FieldTypes fields;
    guint64 base_rtp_time = 0;
    guint64 base_time = 0;
    guint clock_rate = 0;
    guint64 report_rtp_time = 0;
    guint64 report_ntp_time = 0;
    guint64 packet_rtp_time = 0;
    guint64 packet_ntp_time = 0;
  };

  RtpReceived(GstElement* jitterbuffer, guint session, guint ssrc);
  ~RtpReceived();
  RtpReceived(const RtpReceived&) = delete;
  RtpReceived& operator=(const RtpReceived&) = delete;

  [[nodiscard]] GstElement* jitterbuffer() const { return jitterbuffer_.get(); }
  [[nodiscard]] guint session() const { return session_; }
  [[nodiscard]] guint ssrc() const { return ssrc_; }
  [[nodiscard]] RtpRecorder& recorder() { return recorder_; }

  [[nodiscard]] std::vector<Sync> syncs();
  bool wait_for_syncs(std::size_t count);
  // Retransmissions that were asked for, by sequence number.
  [[nodiscard]] std::map<guint16, unsigned> requests();
  [[nodiscard]] FieldTypes request_fields();
  bool wait_for_requests();
  // Times that request-pt-map was emitted.
  [[nodiscard]] unsigned pt_map_requests();
  bool wait_for_pt_map_requests(unsigned count);
  // Until ts-offset is at least so much.
  bool wait_for_ts_offset(gint64 least);
  [[nodiscard]] gint64 ts_offset() const;

 private:
  static void on_sync(GstElement* jitterbuffer, GstStructure* sync, gpointer data);
  static void on_ts_offset(GstElement* jitterbuffer, GParamSpec* spec, gpointer data);
  static GstPadProbeReturn on_request(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static gboolean on_pt_map_request(GSignalInvocationHint* hint, guint count, const GValue* values,
                                    gpointer data);
  bool wait(const std::function<bool()>& is_true);

  const GstPtr<GstElement> jitterbuffer_;
  const guint session_;
  const guint ssrc_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Sync> syncs_;
  std::map<guint16, unsigned> requests_;
  FieldTypes request_fields_;
  unsigned pt_map_requests_ = 0;
  RtpRecorder recorder_;
  gulong pt_map_hook_ = 0;
  gulong request_probe_ = 0;
};

// A sender and a receiver, each an rtpbin in a pipeline of its own, and a network between them. The
// sender's streams are sessions 0 (audio, 48000 Hz) and 1 (video, 90000 Hz) under one CNAME.
class RtpSession {
 public:
  static constexpr guint8 kAudioType = 96;
  static constexpr guint8 kVideoType = 97;
  static constexpr guint8 kRepairType = 100;   // of the audio stream
  static constexpr guint kFirstSsrc = 0x1000;  // of session 0, where has_ntp

  struct Config {
    std::string jitterbuffer = jitterbuffer_factory();
    bool has_video = false;
    bool has_rtx = false;               // by rtprtxsend and rtprtxreceive
    bool has_ntp = false;               // packets say their NTP time (RFC 6051), the SDP the CNAME
    unsigned packets_per_second = 500;  // of the audio stream; a divisor of 48000
    std::chrono::milliseconds delay{10};
    unsigned seed = 1;
    // The last word on the receiving rtpbin before it plays.
    std::function<void(GstElement*)> configure;
  };

  explicit RtpSession(Config config);
  ~RtpSession();
  RtpSession(const RtpSession&) = delete;
  RtpSession& operator=(const RtpSession&) = delete;

  void start();
  // The end of what is sent; the sender says goodbye.
  void end();
  // Stops the receiver as far as READY and lets it play again.
  void restart_receiver();
  // Does something while no packet is on its way into the receiver.
  void without_arrivals(const std::function<void()>& act);

  [[nodiscard]] GstElement* rtpbin() const { return receiver_bin_.get(); }  // the receiver's
  [[nodiscard]] RtpLink& media(guint session = 0) { return *lines_.at(session).media; }
  [[nodiscard]] RtpLink& reports(guint session = 0) { return *lines_.at(session).sender_reports; }
  [[nodiscard]] RtpLink& feedback(guint session = 0) {
    return *lines_.at(session).receiver_reports;
  }
  // The n-th jitter buffer that was asked for in this session, once its stream has a pad; null if
  // it does not come to that.
  std::shared_ptr<RtpReceived> wait_for_stream(guint session = 0, std::size_t number = 0);
  // Streams that have lost their pad again.
  bool wait_for_removed(unsigned count);
  // Until rtpbin has emitted on-bye-ssrc, on-timeout or on-npt-stop.
  bool wait_for_signal(const std::string& name);

 private:
  struct Line {
    std::unique_ptr<RtpLink> media;
    std::unique_ptr<RtpLink> sender_reports;
    std::unique_ptr<RtpLink> receiver_reports;
  };
  struct Stream {
    std::shared_ptr<RtpReceived> received;
    bool has_pad = false;
  };
  void make_sender();
  void make_receiver();
  void connect(guint session);
  static GstCaps* on_pt_map(GstElement* rtpbin, guint session, guint pt, gpointer data);
  static GstElement* on_request_jitterbuffer(GstElement* rtpbin, guint session, gpointer data);
  static void on_new_jitterbuffer(GstElement* rtpbin, GstElement* jitterbuffer, guint session,
                                  guint ssrc, gpointer data);
  static void on_pad_added(GstElement* rtpbin, GstPad* pad, gpointer data);
  static void on_pad_removed(GstElement* rtpbin, GstPad* pad, gpointer data);
  static void on_signal(GstElement* rtpbin, guint session, guint ssrc, gpointer data);
  bool wait(const std::function<bool()>& is_true);

  const Config config_;
  GstPtr<GstElement> sender_;
  GstPtr<GstElement> sender_bin_;
  GstPtr<GstElement> receiver_;
  GstPtr<GstElement> receiver_bin_;
  std::vector<Line> lines_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Stream> streams_;
  std::vector<std::string> signals_;
  unsigned removed_ = 0;
};

}  // namespace onair::test
