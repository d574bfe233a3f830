// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "rtcingest/request_budget.hpp"
#include "server/auth_webhook.hpp"
#include "server/channel_server.hpp"
#include "server/publisher_places.hpp"
#include "signalling.hpp"
#include "timer.hpp"
#include "web_socket.hpp"

namespace live {

// Sora's signalling for all channels: reads `connect`, which names the channel, asks whether that publisher may, and hands
// the WebSocket on to the endpoint of the channel's worker, text by text. How the one is closed, the other is.
// Main thread.
class SoraFront {
 public:
  static constexpr const char* kPath = "/signaling";

  SoraFront(ChannelServer& channels, AuthWebhook& auth, PublisherPlaces& places);
  ~SoraFront();
  SoraFront(const SoraFront&) = delete;
  SoraFront& operator=(const SoraFront&) = delete;

  // From whom, as far as that is known.
  void on_web_socket(SoupServerMessage* message, SoupWebsocketConnection* connection,
                     const std::optional<IpAddress>& from);

 private:
  struct Client;
  using ClientPtr = std::shared_ptr<Client>;
  // A worker's WebSocket that is being made.
  struct Dial;

  static std::string for_client(Client& client, std::string_view frame);
  static void on_dialled(GObject* session, GAsyncResult* result, gpointer dial);
  void on_text(const ClientPtr& client, std::string_view frame);
  void on_connect(const ClientPtr& client, const onair::sora::ConnectRequest& request,
                  std::string_view frame);
  void admit(const ClientPtr& client);
  void dial(const ClientPtr& client, unsigned port);
  void on_worker(const ClientPtr& client, SoupWebsocketConnection* connection);
  // Its channel expects nobody any more, unless its worker has seen him.
  void on_not_taken(const Client& client);
  void on_worker_closed(const ClientPtr& client);
  void on_closed(const ClientPtr& client);
  void to_worker(const ClientPtr& client, std::string_view frame);
  void refuse(const ClientPtr& client, const onair::sora::Close& close);
  void forget(const ClientPtr& client);
  // What has come of its wish for a place.
  void settle(const ClientPtr& client, bool is_accepted);
  void tick();

  ChannelServer& channels_;
  AuthWebhook& auth_;
  PublisherPlaces& places_;
  const onair::GstPtr<SoupSession> session_;
  onair::RequestBudget budget_{onair::RequestBudget::Config{}};
  std::vector<ClientPtr> clients_;  // of which a WebSocket is open
  Timer timer_;
};

}  // namespace live
