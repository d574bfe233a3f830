// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/publisher.hpp"
#include "rtcingest/publisher_place.hpp"
#include "rtcingest/request_budget.hpp"
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
    bool takes_simulcast = false;
    Signalling::Config signalling;
    PublisherPlace::Config place;
    std::function<Verdict(const Guest&)> ask;
  };
  // What a publisher's session came to, and what it had asked for.
  using OnEvent = std::function<void(const PublisherEvent&, const ConnectRequest&)>;
  struct Counters {
    guint64 connections = 0;
    guint64 refused_connections = 0;
  };
  struct Stats {
    PublisherStats publisher;
    Counters counters;
  };

  Listener(ControlThread& control, Config config, OnEvent on_event);
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
  void set_ready(bool is_ready) { place_.set_ready(is_ready); }
  bool on_bus_error(GstMessage* message) { return place_.on_bus_error(message); }
  [[nodiscard]] Stats stats() { return {.publisher = place_.stats(), .counters = counters_.get()}; }

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
  void emit(PublisherEvent::Kind kind);

  ControlThread& control_;
  const Config config_;
  const OnEvent on_event_;
  PublisherPlace place_;
  Guarded<Counters> counters_;

  // Control thread only.
  GstPtr<SoupServer> server_;
  guint port_ = 0;
  RequestBudget budget_{RequestBudget::Config{}};
  std::vector<std::shared_ptr<Client>> clients_;  // all whose WebSocket is not closed yet
  std::shared_ptr<Client> publisher_;             // whose session it is
  ConnectRequest request_;                        // of that session
  Identity identity_;
};

}  // namespace onair::sora
