// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "glue/control_thread.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/outlet.hpp"
#include "rtcingest/publisher.hpp"
#include "rtcingest/session.hpp"

namespace onair {

// The place of one WebRTC publisher at a time: its session, and the outlets of former ones that still hand
// packets on. On its control thread, except where said.
class PublisherPlace {
 public:
  struct Config {
    Session::Config session;
    Duration takeover_time{};  // silence after which a newcomer gets the place
    bool send_eos = false;     // when a session ends
  };

  PublisherPlace(ControlThread& control, Config config);

  // Gives the place, which must be free, to a session that the caller begins. Null: its log says why.
  std::shared_ptr<Session> take(const std::string& session_id, Session::Callbacks callbacks);
  // Closes the session, whose last packets still go out. False: there was none.
  bool leave();
  // From now on nobody is taken, and whoever leaves gets an EOS on the pads.
  void send_eos();
  // Whether the publisher has been silent for so long that another may have its place.
  [[nodiscard]] bool is_replaceable() const;
  void tick();
  // Takes away what is still on its way out.
  void stop();
  // Says what media the publisher sends, while there is one.
  void add_media(PublisherEvent& event) const;

  // Any thread.
  [[nodiscard]] std::shared_ptr<Session> session() const { return session_.get(); }
  void set_ready(bool is_ready) { is_ready_ = is_ready; }
  [[nodiscard]] bool is_ready() const { return is_ready_; }
  bool on_bus_error(GstMessage* message);
  [[nodiscard]] PublisherStats stats() const;

 private:
  ControlThread& control_;
  const Config config_;
  std::atomic<bool> is_ready_ = false;
  mutable Guarded<std::shared_ptr<Session>> session_;  // changed on the control thread only
  mutable Guarded<PublisherStats> stats_;              // without streams

  // Control thread only.
  bool is_eos_ = false;
  DrainingOutlets draining_;
};

[[nodiscard]] PublisherEvent::Kind to_event(Liveness::Turn turn);

}  // namespace onair
