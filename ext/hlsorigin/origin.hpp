// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "http/acceptor.hpp"
#include "mounts.hpp"
#include "reply.hpp"
#include "resource.hpp"
#include "texts.hpp"

namespace onair::hlsorigin {

// What is mounted, over HTTP. Lives on a control thread; what other threads may call says so.
class Origin {
 public:
  struct Config {
    Acceptor::Config acceptor;
    std::string cors_origin;  // empty: no CORS headers
  };
  struct Stats {
    guint64 requests = 0;
    guint64 bytes = 0;  // of bodies
    guint64 not_modified = 0;
    guint64 client_errors = 0;
    guint64 server_errors = 0;
    guint64 waiting = 0;  // for something that is not there yet
    guint64 growing = 0;  // being sent something that is not whole yet
    guint64 connections = 0;
  };

  Origin(Config config, std::shared_ptr<Mounts> mounts);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // TLS, for connections to come; null: none.
  void use(GstPtr<GTlsCertificate> certificate);
  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  [[nodiscard]] guint port() const { return acceptor_->port(); }
  // Answers everybody who waits; ready when the answers are out.
  [[nodiscard]] std::future<void> dismiss();
  void stop();

  void on_changed(const MountPtr& mount, const std::string& name);
  void on_unmounted(const MountPtr& mount);
  // Several times a second: gives up waiting.
  void tick();
  // About once a second: ends silent connections.
  void end_idle() { acceptor_->end_idle(); }

  [[nodiscard]] Stats stats();  // any thread

 private:
  struct Wanted {
    MountPtr mount;
    std::string name;    // below the mount
    std::string target;  // with the query
  };
  using Key = std::pair<const Mount*, std::string>;  // the target
  struct Member {
    GstPtr<SoupServerMessage> message;
    ClockTime deadline{};
    bool is_paused = false;
  };
  // All who want the same thing while it is not whole: the source is asked once for all of them.
  struct Gathering {
    Wanted wanted;
    bool is_growing = false;
    std::string wait_for;
    Duration patience{};
    Resource so_far;  // if growing: what there is of it
    std::unordered_map<SoupServerMessage*, Member> members;
  };
  using GatheringPtr = std::shared_ptr<Gathering>;

  void on_request(SoupServerMessage* message);
  void answer_preflight(SoupServerMessage* message);
  [[nodiscard]] Resource ask(const Wanted& wanted, guint64 offset);
  // Decides for all of them alike, as the resource stands now.
  void deliver(const Wanted& wanted, const Resource& resource, std::vector<Member> members);
  void gather(const Wanted& wanted, const Resource& resource, std::vector<Member> members);
  void join(const GatheringPtr& gathering, Member member);
  void begin_growing(const Resource& resource, Member& member);
  void grow(const GatheringPtr& gathering);
  void abandon(const GatheringPtr& gathering);
  [[nodiscard]] std::vector<Member> dissolve(const GatheringPtr& gathering);
  void answer(const Wanted& wanted, const Resource& resource, const Member& member);
  void send(const Member& member, const Reply& reply, const std::vector<BytesPtr>& body);
  void refuse(const Member& member, const Reply& reply);
  void set_headers(SoupServerMessage* message, const Headers& headers);
  void count_gatherings();

  const Config config_;
  const std::shared_ptr<Mounts> mounts_;
  Guarded<Stats> counters_;

  // Control thread only.
  GstPtr<SoupServer> server_;
  GstPtr<GTlsCertificate> certificate_;
  std::unique_ptr<Acceptor> acceptor_;
  std::map<Key, GatheringPtr> gatherings_;
  Texts texts_;
};

}  // namespace onair::hlsorigin
