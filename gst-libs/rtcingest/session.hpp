// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/layer_router.hpp"
#include "rtcingest/liveness.hpp"
#include "rtcingest/negotiation.hpp"
#include "rtcingest/offer.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/received_stream.hpp"

namespace onair {

// One publisher: a webrtcbin inside a bin, from the offer to the goodbye. All methods on the
// control thread, except where said; all callbacks too, except on_media.
class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Config {
    GstBin* bin = nullptr;  // gets the webrtcbin and the pads; outlives the session
    GstPadTemplate* audio_template = nullptr;
    GstPadTemplate* video_template = nullptr;
    std::string jitterbuffer;  // factory; made for each stream
    guint latency_ms = 0;      // the largest
    std::string stun_server;   // stun://host:port, or empty
    std::string turn_server;   // turn(s)://user:password@host:port, or empty
    guint min_port = 0;        // of ICE candidates
    guint max_port = 0;
    Duration keyframe_interval{};  // zero: only the first key frame is asked for
    Duration gathering_timeout{};
    Liveness::Config liveness;
    std::function<ClockTime()> now;  // from any thread
  };
  struct Callbacks {
    // Our answer, or our offer, with what candidates there are.
    std::function<void(const sdp::Description&)> on_described;
    std::function<void()> on_connected;
    std::function<void(Liveness::Turn)> on_turn;
    // The session has ended itself; the owner drops it. `detail` is a sentence for a person.
    std::function<void(EndReason, std::string detail)> on_ended;
  };

  static std::shared_ptr<Session> create(ControlThread& control, Config config,
                                         Callbacks callbacks);
  ~Session();

  // Begins with the publisher's offer: ends in on_described, or in on_ended.
  void answer(Plan plan);
  // Or begins with our own: ends in the same.
  void offer(Offering offering);
  // The publisher's answer to it; if it is refused, the session is as before.
  std::optional<Refusal> accept(const sdp::Description& answer);
  void add_candidates(const SdpFragment& fragment);
  // A new set of ICE credentials on the same DTLS session (RFC 9725 section 4.3.3). What the
  // publisher needs to know comes back; nothing when the agent refuses.
  std::optional<SdpFragment> restart_ice(const SdpFragment& fragment);
  void tick();
  // Takes webrtcbin away and returns the outlets, which still hand on their last packets, followed
  // by EOS if asked for. The owner removes each when it is drained.
  std::vector<std::shared_ptr<Outlet>> close(bool send_eos);

  // An error message from inside webrtcbin: true when it is this session's, which then ends.
  bool on_bus_error(GstMessage* message);  // any thread

  [[nodiscard]] const IceCredentials& remote_credentials() const { return plan_.remote; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  // How long nothing has come from a publisher who had been sending; nothing before the first packet.
  [[nodiscard]] std::optional<Duration> silence() const;
  [[nodiscard]] std::vector<ReceivedStream::Stats> stats();  // any thread

 private:
  Session(ControlThread& control, Config config, Callbacks callbacks);
  bool build();
  void post(std::function<void(Session&)> work);  // on the control thread, while we live
  void end(EndReason reason, std::string detail);

  static void on_remote_set(const std::shared_ptr<Session>& self, GstPromise* promise);
  static void on_answer_made(const std::shared_ptr<Session>& self, GstPromise* promise);
  static void on_offer_made(const std::shared_ptr<Session>& self, GstPromise* promise);
  void set_remote();
  static void on_local_set(const std::shared_ptr<Session>& self, GstPromise* promise);
  void tell_bandwidth() const;
  void publish_description();
  void on_states_changed();
  bool verify_certificate();

  // Streaming threads.
  GstElement* make_jitterbuffer() const;
  void on_jitterbuffer(GstElement* jitterbuffer, guint ssrc);
  void on_pad(GstPad* pad);
  std::shared_ptr<Outlet> let_out(GstPad* pad, MediaKind kind);
  std::shared_ptr<Outlet> let_layer_out(GstPad* pad, std::size_t layer);
  [[nodiscard]] guint first_pad(MediaKind kind, guint count) const;
  [[nodiscard]] const Simulcast* simulcast() const;
  void note_packet();
  static GstPadProbeReturn on_media(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  bool is_wanted(GstBuffer* packet);
  void tell_pairs(const std::vector<LayerRouter::Pair>& pairs) const;
  [[nodiscard]] std::optional<ClockTime> last_packet() const;  // any thread

  ControlThread& control_;
  const Config config_;
  const Callbacks callbacks_;

  // Control thread only; what it says of media stays as it is, and anybody may read that.
  Plan plan_;
  Liveness liveness_;
  ClockTime started_;
  bool is_connected_ = false;
  bool is_ended_ = false;
  bool is_described_ = false;  // the local description is set
  bool is_published_ = false;  // and given to the publisher
  std::optional<Offering> offering_;
  sdp::Description offered_;  // as the publisher got it

  GstPtr<GstElement> webrtc_;
  std::atomic<Duration::rep> last_packet_{-1};  // ns, RTP or RTCP; -1 before the first
  Guarded<std::vector<std::shared_ptr<ReceivedStream>>> streams_;
  Guarded<std::map<guint, GstPtr<GstElement>>> jitterbuffers_;  // by SSRC

  // Of a simulcast. Pads of layers are numbered in the order of the offer, whichever comes first.
  Guarded<LayerRouter> router_;
  Guarded<std::optional<guint>> first_layer_pad_;
  // Locked while a layer gets its pad, which its next SSRC has to wait for.
  std::array<Guarded<std::shared_ptr<Outlet>>, Simulcast::kMostLayers> layer_outlets_;
};

}  // namespace onair
