// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "media_input.hpp"
#include "reception.hpp"
#include "rtcingest/liveness.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/publisher.hpp"

namespace onair::rtplisten {

// Takes the plain RTP of an SFU on UDP ports, one publisher's at a time. Lives on its control thread; what other
// threads may call says so.
class Receiver {
 public:
  struct Port {
    gint number = -1;       // 0: any free one; -1: none
    GstPtr<GSocket> given;  // bound by the application, whatever the number says
    const char* name = "";  // of the property
  };
  struct Medium {
    MediaKind kind = MediaKind::Audio;
    Port rtp;
    Port rtcp;
    gint payload_type = -1;  // -1: learned
    guint ssrc = 0;          // 0: learned
    GstPadTemplate* pad_template = nullptr;
  };
  struct Config {
    GstBin* bin = nullptr;  // gets the elements and the pads; outlives the receiver
    std::string address;
    std::string source_address;  // empty: everybody may send
    std::vector<Medium> media;
    std::string jitterbuffer;
    guint latency_ms = 0;
    bool send_eos = false;
    Duration takeover_time{};
    Duration keyframe_interval{};
    Liveness::Config liveness;
    std::function<ClockTime()> now;  // from any thread
  };
  struct Stats {
    PublisherStats publisher;
    Reception::Counts refused{};
  };

  Receiver(ControlThread& control, Config config,
           std::function<void(const PublisherEvent&)> on_event);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  void stop();
  void end_session(EndReason reason, const std::string& detail);
  // Takes nobody any more, and ends the session there is with an EOS on its pads.
  void send_eos();

  // Any thread.
  [[nodiscard]] guint port(MediaKind kind, bool is_rtcp) const;
  // Nothing is read before PLAYING, and what has come until then waits in the sockets.
  void set_ready(bool) {}
  bool on_bus_error(GstMessage* message);
  [[nodiscard]] Stats stats();

 private:
  struct Bound {
    MediaKind kind;
    bool is_rtcp;
    GstPtr<GSocket> socket;
    bool is_ours;
    guint port;
  };
  struct Session {
    unsigned number = 0;  // 0: none
    std::string id;
    std::string remote_address;
    guint group_id = 0;
    Liveness liveness{{}, {}};
  };

  std::string bind(const Medium& medium, bool is_rtcp, GstPtr<GSocket>& socket);
  void on_new(unsigned number);
  void begin(unsigned number);
  void open_path(MediaInput& input);
  void take_down(bool send_eos);
  void report_failures();
  void tick();
  void emit(PublisherEvent::Kind kind, EndReason reason = EndReason::Stopped,
            const std::string& detail = {});

  ControlThread& control_;
  const Config config_;
  const std::function<void(const PublisherEvent&)> on_event_;
  Guarded<Reception> reception_;
  std::atomic<Duration::rep> last_packet_{-1};  // ns, of a stream
  std::vector<Bound> ports_;                    // as they were at listen()
  std::vector<std::unique_ptr<MediaInput>> inputs_;
  Guarded<PublisherStats> stats_;  // without streams

  // Control thread only.
  Session session_;
  bool is_eos_ = false;
  DrainingOutlets draining_;  // of former sessions
};

}  // namespace onair::rtplisten
