// SPDX-License-Identifier: LGPL-2.1-or-later
#include "balancer.hpp"

#include <algorithm>
#include <iterator>

#include <gst/video/video.h>

#include "glue/element_clock.hpp"
#include "track.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_balancer_debug);
#define GST_CAT_DEFAULT gst_hls_balancer_debug

namespace onair {

Balancer::Balancer(GstElement* element)
    : element_{element}, scheduler_{to_core(BalancerSettings{})} {}

Balancer::~Balancer() {
  stop();
}

void Balancer::start() {
  stop();  // where pads could not be activated the last time, nobody has
  const Lock lock{mutex_};
  scheduler_ = CutScheduler{to_core(settings_)};
  newest_now_ = {};
  for (const auto& track : tracks_)
    track->join(scheduler_);
  is_running_ = true;
  watcher_ = std::thread{[this] { watch(); }};
  filler_ = std::thread{[this] { fill(); }};
}

void Balancer::stop() {
  {
    const Lock lock{mutex_};
    is_running_ = false;
    wait_.wake();
    changed_.notify_all();
  }
  for (auto* thread : {&watcher_, &filler_})
    if (thread->joinable())
      thread->join();
}

void Balancer::set_playing(bool is_playing) {
  const Lock lock{mutex_};
  is_playing_ = is_playing;
  wait_.wake();
}

void Balancer::add(const std::shared_ptr<Track>& track) {
  const Lock lock{mutex_};
  track->join(scheduler_);
  tracks_.push_back(track);
}

void Balancer::remove(const std::shared_ptr<Track>& track) {
  const Lock lock{mutex_};
  if (std::erase(tracks_, track) == 0)
    return;
  scheduler_.remove_stream(track->id_);
  changed_.notify_all();
}

// The running time, which stands still while the element is paused: nobody is given up then.
ClockTime Balancer::now() {
  if (const auto time = is_playing_ ? running_time_now(element_) : std::nullopt)
    newest_now_ = std::max(newest_now_, ClockTime{time->time_since_epoch()});
  return newest_now_;
}

std::shared_ptr<Track> Balancer::track_of(CutScheduler::StreamId id) const {
  const auto found = std::find_if(tracks_.begin(), tracks_.end(),
                                  [id](const auto& track) { return track->id_ == id; });
  return found == tracks_.end() ? nullptr : *found;
}

bool Balancer::has_video() const {
  return std::any_of(tracks_.begin(), tracks_.end(),
                     [](const auto& track) { return track->kind_ == CutScheduler::Kind::Video; });
}

// What the scheduler wants done, and who is to look again.
Balancer::Work Balancer::collect() {
  Work work;
  while (const auto request = scheduler_.take_request())
    if (auto track = track_of(request->stream))
      work.requests.emplace_back(std::move(track), *request);
  while (const auto decision = scheduler_.take_decision())
    work.decisions.push_back(*decision);
  if (!work.decisions.empty())
    std::copy_if(tracks_.begin(), tracks_.end(), std::back_inserter(work.absent),
                 [this](const auto& track) { return !scheduler_.waits_for(track->id_); });
  if (scheduler_.take_change() || scheduler_.has_fill())
    changed_.notify_all();
  const auto due = scheduler_.deadline();
  if (due && (!watched_ || *due < *watched_))
    wait_.wake();
  return work;
}

void Balancer::carry_out(const Work& work) {
  for (const auto& [track, request] : work.requests)
    track->ask(request);
  for (const auto& decision : work.decisions) {
    const auto& [boundary, error, lateness, length] = decision;
    auto* structure = gst_structure_new(
        "hlsbalancer-boundary", "count", G_TYPE_INT64, static_cast<gint64>(boundary.index),
        "running-time", G_TYPE_INT64, static_cast<gint64>(boundary.at.time_since_epoch().count()),
        "error", G_TYPE_INT64, static_cast<gint64>(error.count()), "break", G_TYPE_BOOLEAN,
        boundary.is_break, nullptr);
    std::vector<const char*> absent;
    for (const auto& track : work.absent)
      absent.push_back(GST_PAD_NAME(track->sink()));
    absent.push_back(nullptr);
    gst_structure_set(structure, "absent", G_TYPE_STRV, absent.data(), nullptr);
    if (length)
      gst_structure_set(structure, "duration", G_TYPE_UINT64, to_gst(*length), nullptr);
    if (lateness)
      gst_structure_set(structure, "lateness", G_TYPE_INT64, static_cast<gint64>(lateness->count()),
                        nullptr);
    if (boundary.is_break)
      GST_INFO_OBJECT(element_, "boundary %" G_GINT64_FORMAT ": the time line is a new one",
                      static_cast<gint64>(boundary.index));
    GST_DEBUG_OBJECT(element_, "boundary %" G_GINT64_FORMAT " at %.3f s, %+.3f ms",
                     static_cast<gint64>(boundary.index),
                     in_ms(boundary.at.time_since_epoch()) / 1e3, in_ms(error));
    gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), structure));
  }
}

void Balancer::watch() {
  Lock lock{mutex_};
  while (is_running_) {
    const auto due = is_playing_ ? scheduler_.deadline() : std::nullopt;
    if (due && *due <= now()) {
      scheduler_.on_time(now());
      const auto work = collect();
      lock.unlock();
      carry_out(work);
      lock.lock();
      continue;
    }
    watched_ = due;
    wait_.wait(lock, element_,
               due ? std::optional{RunningTime{due->time_since_epoch()}} : std::nullopt);
    watched_.reset();
  }
}

void Balancer::fill() {
  Lock lock{mutex_};
  while (is_running_) {
    const auto empty = scheduler_.take_fill();
    if (!empty) {
      changed_.wait(lock);
      continue;
    }
    const auto track = track_of(empty->stream);
    if (!track)
      continue;
    // A stream whose thread is on its way has not died.
    if (!GST_PAD_STREAM_TRYLOCK(track->sink())) {
      scheduler_.give_back(*empty);
      continue;
    }
    lock.unlock();
    track->begin_empty(empty->boundary);
    GST_PAD_STREAM_UNLOCK(track->sink());
    lock.lock();
  }
}

GstStructure* Balancer::stats() {
  const Lock lock{mutex_};
  const auto stats = scheduler_.stats();
  return gst_structure_new(
      "application/x-hlsbalancer-stats", "boundaries", G_TYPE_UINT64, stats.boundaries, "missed",
      G_TYPE_UINT64, stats.missed, "breaks", G_TYPE_UINT64, stats.breaks, "error", G_TYPE_INT64,
      static_cast<gint64>(stats.error.count()), "worst-error", G_TYPE_UINT64,
      to_gst(stats.worst_error), "requests", G_TYPE_UINT64, stats.requests, "repeats",
      G_TYPE_UINT64, stats.repeats, "response-time", G_TYPE_UINT64, to_gst(stats.response),
      "demoted", G_TYPE_UINT64, stats.demoted, "dropped", G_TYPE_UINT64, stats.dropped, "fills",
      G_TYPE_UINT64, stats.fills, nullptr);
}

}  // namespace onair
