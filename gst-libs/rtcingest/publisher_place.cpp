// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/publisher_place.hpp"

#include <utility>

namespace onair {

PublisherPlace::PublisherPlace(ControlThread& control, Config config)
    : control_{control}, config_{std::move(config)} {}

std::shared_ptr<Session> PublisherPlace::take(const std::string& session_id,
                                              Session::Callbacks callbacks) {
  callbacks.on_connected = [this, then = std::move(callbacks.on_connected)] {
    stats_.lock()->is_connected = true;
    then();
  };
  auto session = Session::create(control_, config_.session, std::move(callbacks));
  if (!session)
    return nullptr;
  session_.set(session);
  const auto stats = stats_.lock();
  stats->session_id = session_id;
  stats->is_connected = false;
  stats->sessions++;
  return session;
}

bool PublisherPlace::leave() {
  const auto session = session_.get();
  if (!session)
    return false;
  session_.set(nullptr);
  draining_.add(session->close(config_.send_eos || is_eos_));
  const auto stats = stats_.lock();
  stats->session_id.clear();
  stats->is_connected = false;
  return true;
}

void PublisherPlace::send_eos() {
  is_eos_ = true;
  is_ready_ = false;
}

bool PublisherPlace::is_replaceable() const {
  const auto session = session_.get();
  const auto silence = session ? session->silence() : std::nullopt;
  return silence && *silence > config_.takeover_time;
}

void PublisherPlace::tick() {
  if (const auto session = session_.get())
    session->tick();
  draining_.tick();
}

void PublisherPlace::stop() {
  draining_.remove_all();
}

void PublisherPlace::add_media(PublisherEvent& event) const {
  const auto session = session_.get();
  if (!session)
    return;
  for (const auto& media : session->plan().media) {
    (media.kind == MediaKind::Audio ? event.has_audio : event.has_video) = true;
    if (media.simulcast)
      event.layers = rid_list(*media.simulcast);
  }
}

bool PublisherPlace::on_bus_error(GstMessage* message) {
  const auto session = session_.get();
  return session && session->on_bus_error(message);
}

PublisherStats PublisherPlace::stats() const {
  auto stats = stats_.get();
  if (const auto session = session_.get())
    stats.streams = session->stats();
  return stats;
}

PublisherEvent::Kind to_event(Liveness::Turn turn) {
  return turn == Liveness::Turn::FellSilent ? PublisherEvent::Kind::Silent
                                            : PublisherEvent::Kind::Resumed;
}

}  // namespace onair
