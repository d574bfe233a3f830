// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "http_client.hpp"

namespace onair::test {

// A real WHIP publisher in the test's process: a test picture as constrained-baseline H.264 with an
// endless GOP, a test tone as Opus, webrtcbin, and HTTP.
//
// What the encoders make before the connection stands is thrown away, the first IDR among it. So no
// key frame comes unless the other side asks for one, as from a browser that has been capturing for
// a while.
class WhipPublisher {
 public:
  struct Config {
    std::string url;
    std::string token = "secret";
    bool has_audio = true;
    bool has_video = true;
    // The offer goes without candidates; trickle() brings them.
    bool is_trickling = false;
    // The layers that it sends, by rid, all with the same picture and the same sequence numbers; the offer is
    // the test's business (with_simulcast). None: one stream without a rid.
    std::vector<std::string> layers;
    // The last word on the offer before it is sent.
    std::function<std::string(std::string)> edit_offer;
  };

  explicit WhipPublisher(Config config);
  ~WhipPublisher();  // vanishes, if it has not ended otherwise
  WhipPublisher(const WhipPublisher&) = delete;
  WhipPublisher& operator=(const WhipPublisher&) = delete;

  // Makes the offer, posts it and applies the answer if there is one.
  const HttpResponse& publish();
  // PATCHes the candidates that is_trickling held back, and the end of them.
  HttpResponse trickle();
  // New ICE credentials, sent by PATCH with If-Match: *; applies the answer to it.
  HttpResponse restart_ice();
  HttpResponse remove();  // DELETE

  // For whoever is offered something by other means: the answer, with all candidates; empty when there is none.
  std::string answer_to(const std::string& offer);

  // Whether ICE and DTLS get done.
  bool wait_until_connected();
  // Whether ICE finds a path again after restart_ice().
  bool wait_until_reconnected();

  // Loses every n-th video packet on the way; what is retransmitted gets through. 0: none.
  void lose_every(unsigned n) { lose_every_ = n; }
  [[nodiscard]] unsigned lost() const { return lost_; }
  // All layers go on with other SSRCs.
  void change_ssrcs() { ssrc_offset_ += 100; }
  void mute();                  // no more RTP; RTCP and ICE go on
  void unmute();                // and the next key frame must be asked for, as at the start
  void vanish();                // not a packet more, nor a word: a cable is pulled
  void close_without_delete();  // a browser's tab closes: DTLS says goodbye, HTTP does not

  [[nodiscard]] const std::string& offer() const { return offer_; }
  [[nodiscard]] const std::string& answer() const { return response_.body; }
  [[nodiscard]] std::string session_url() const;
  [[nodiscard]] std::string etag() const { return etag_; }
  // Key frames that the other side has asked for.
  [[nodiscard]] unsigned keyframe_requests() const { return keyframe_requests_; }
  bool wait_for_keyframe_requests(unsigned count);
  // Whether the other side tells when packets arrived (transport-wide congestion control).
  bool wait_for_congestion_feedback();

 private:
  bool make_offer();
  bool wait_until_encoding();
  bool describe(const GstStructure* reply, const char* field);
  void stop();
  [[nodiscard]] std::string local_description() const;
  [[nodiscard]] HttpHeaders authorized(HttpHeaders headers) const;
  static GstPadProbeReturn on_encoded(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_video(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void send_layers(GstPad* pad, GstBuffer* packet);
  static GstPadProbeReturn on_upstream_event(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_leaving(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  void watch_leaving_packets();
  void watch_feedback();
  static void on_state(GstElement* webrtc, GParamSpec* spec, gpointer data);

  const Config config_;
  GstPtr<GstElement> pipeline_;
  GstPtr<GstElement> webrtc_;
  std::string offer_;
  std::string held_back_;  // candidate lines
  HttpResponse response_;
  std::string etag_;
  std::atomic<bool> is_gate_open_ = false;
  std::atomic<unsigned> keyframe_requests_ = 0;
  std::atomic<unsigned> lose_every_ = 0;
  std::atomic<guint> ssrc_offset_ = 0;
  bool is_sending_layers_ = false;  // payloader's thread only
  std::atomic<unsigned> lost_ = 0;
  std::atomic<bool> is_cut_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned encoding_pads_ = 0;  // pads that have seen a packet, so that their caps are known
  bool has_feedback_ = false;
  bool is_gathered_ = false;
  bool is_connected_ = false;
  bool is_failed_ = false;
  unsigned ready_components_ = 0;  // times that ICE has become ready
};

// An offer of layers, whose SSRCs it does not say.
std::string with_simulcast(const std::string& offer, std::string_view rids);
// An offer whose certificate fingerprint is somebody else's.
std::string with_wrong_fingerprint(std::string offer);

}  // namespace onair::test
