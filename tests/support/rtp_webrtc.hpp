// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "rtp_jitterbuffer.hpp"
#include "rtp_link.hpp"
#include "rtp_recorder.hpp"
#include "rtp_session.hpp"

namespace onair::test {

// Two webrtcbins of this process in a call: one sends H.264 and Opus, the other receives, with the
// jitter buffer under test given to the rtpbin inside it. Both repair by NACK and RTX.
class WebrtcCall {
 public:
  static constexpr guint8 kAudioType = 111;
  static constexpr guint8 kVideoType = 102;
  // One of the two, as it comes out of the receiver.
  struct Stream {
    RtpRecorder* recorder = nullptr;
    std::shared_ptr<RtpReceived> received;
  };

  explicit WebrtcCall(unsigned seed);
  ~WebrtcCall();
  WebrtcCall(const WebrtcCall&) = delete;
  WebrtcCall& operator=(const WebrtcCall&) = delete;

  // Offer and answer; whether the two get connected. Again: a renegotiation.
  bool negotiate();
  // From here on this share of all RTP packets is lost, first sendings and repetitions alike.
  void lose(double share);
  [[nodiscard]] std::set<RtpId> lost();
  // Ends both streams, and waits until their payloaders have made the last packet.
  bool end();
  // What the receiver's get-stats answers.
  StructurePtr stats();
  void stop_receiver();

  // The stream of this payload type, once it flows; a failure of the test and nulls if it never does.
  Stream wait_for_stream(guint8 payload_type);

 private:
  static void on_candidate(GstElement* webrtc, guint line, const char* candidate, gpointer data);
  static void on_state(GstElement* webrtc, GParamSpec* spec, gpointer data);
  static void on_pad_added(GstElement* webrtc, GstPad* pad, gpointer data);
  static GstElement* on_request_jitterbuffer(GstElement* rtpbin, guint session, gpointer data);
  static void on_new_jitterbuffer(GstElement* rtpbin, GstElement* jitterbuffer, guint session,
                                  guint ssrc, gpointer data);
  static GstPadProbeReturn on_encoded(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_leaving(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  bool loses(GstBuffer* packet);
  void watch_leaving_packets();
  void watch_encoders();
  bool wait(const std::function<bool()>& is_true);

  GstPtr<GstElement> sender_;
  GstPtr<GstElement> sender_webrtc_;
  GstPtr<GstElement> receiver_;
  GstPtr<GstElement> receiver_webrtc_;
  std::mutex mutex_;
  std::condition_variable changed_;
  SeededLoss loss_;
  std::set<RtpId> lost_;
  std::set<GstPad*> sending_;  // payloaders that have made a packet, so that their caps are known
  unsigned ended_ = 0;         // payloaders
  bool is_sender_connected_ = false;
  bool is_receiver_connected_ = false;
  std::vector<std::unique_ptr<RtpRecorder>> recorders_;
  std::vector<std::shared_ptr<RtpReceived>> received_;
};

}  // namespace onair::test
