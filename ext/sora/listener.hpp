// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/request_budget.hpp"
#include "rtcingest/session.hpp"
#include "signalling.hpp"
#include "web_socket.hpp"

namespace onair::sora {

// Listens for WebSockets: one SoupServer, a few clients that have not said what they want, at most one
// publisher's session. Lives on its control thread; what other threads may call says so.
class Listener {
 public:
  // Who asks to come in, and what the application says to it.
  struct Guest {
    const ConnectRequest& request;
    std::string remote_address;
    std::string user_agent;
  };
  struct Verdict {
    bool is_allowed = true;
    std::string reason;    // why not
    std::string location;  // where to go instead; empty: nowhere
  };
  struct Config {
    std::string address;
    guint port = 0;  // 0: any free one
    std::string path;
    std::string channel_id;      // empty: any
    std::string token;           // empty: none is needed
    std::string version;         // of ours, for clients
    guint max_message_size = 0;  // bytes
    bool send_eos = false;
    bool takes_simulcast = false;
    Duration takeover_time{};  // silence after which a newcomer gets the place
    Signalling::Config signalling;
    Session::Config session;
    std::function<Verdict(const Guest&)> ask;
  };
  struct Event {
    enum class Kind { Offered, Connected, Silent, Resumed, Ended } kind;
    std::string session_id;
    ConnectRequest request;
    std::string remote_address;
    std::string user_agent;
    bool has_audio = false;
    bool has_video = false;
    std::string layers;  // rids of a simulcast: "r0;r1;r2"
    EndReason reason = EndReason::Stopped;
    std::string detail;
  };
  struct Stats {
    std::string session_id;  // empty: nobody publishes
    bool is_connected = false;
    std::vector<ReceivedStream::Stats> streams;
    guint64 sessions = 0;
    guint64 connections = 0;
    guint64 refused_connections = 0;
  };

  Listener(ControlThread& control, Config config, std::function<void(const Event&)> on_event);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  [[nodiscard]] guint port() const { return port_; }
  void stop();
  // Ends the publisher's session, if there is one; the listener goes on.
  void end_session(EndReason reason, const std::string& detail);
  // Takes no more publishers, and ends the one there is with an EOS on its pads.
  void send_eos();

  // Any thread.
  void set_ready(bool is_ready) { is_ready_ = is_ready; }
  bool on_bus_error(GstMessage* message);
  [[nodiscard]] Stats stats();

 private:
  // A WebSocket, whoever it may be.
  struct Client {
    Client(Signalling::Config config, ClockTime now) : signalling{config, now} {}
    Signalling signalling;
    std::shared_ptr<WebSocket> socket;
    std::string remote_address;
    std::string user_agent;
  };

  static void on_other_path(SoupServer* server, SoupServerMessage* message, const char* path,
                            GHashTable* query, gpointer self);
  void on_web_socket(SoupServerMessage* message, SoupWebsocketConnection* connection);
  void on_text(const std::shared_ptr<Client>& client, std::string_view frame);
  void on_closed(const std::shared_ptr<Client>& client);
  void on_connect(const std::shared_ptr<Client>& client, const ConnectRequest& request);
  void publish(const std::shared_ptr<Client>& client, const ConnectRequest& request);
  void on_described(const sdp::Description& offer);
  void on_answer(const std::shared_ptr<Client>& client, const sdp::Description& answer);
  void on_connected();
  // Closes what is no publisher's.
  void refuse(const std::shared_ptr<Client>& client, const Close& close);
  // Ends the session and closes its WebSocket in this way.
  void end_session(EndReason reason, const std::string& detail, const Close& close);
  [[nodiscard]] std::string too_long() const;
  void tick_client(const std::shared_ptr<Client>& client, ClockTime now);
  void tick();
  void emit(Event::Kind kind);

  ControlThread& control_;
  const Config config_;
  const std::function<void(const Event&)> on_event_;
  std::atomic<bool> is_ready_ = false;
  Guarded<std::shared_ptr<Session>> session_;  // changed on the control thread only
  Guarded<Stats> counters_;

  // Control thread only.
  GstPtr<SoupServer> server_;
  guint port_ = 0;
  RequestBudget budget_{RequestBudget::Config{}};
  std::vector<std::shared_ptr<Client>> clients_;  // all whose WebSocket is not closed yet
  std::shared_ptr<Client> publisher_;             // whose session it is
  ConnectRequest request_;                        // of that session
  Identity identity_;
  bool is_eos_ = false;
  std::vector<std::shared_ptr<Outlet>> leaving_;  // of former sessions, still handing packets on
};

}  // namespace onair::sora
