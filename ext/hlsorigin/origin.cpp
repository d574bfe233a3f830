// SPDX-License-Identifier: LGPL-2.1-or-later
#include "origin.hpp"

#include <algorithm>
#include <string_view>

#include "glue/signals.hpp"
#include "target.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_origin_debug);
#define GST_CAT_DEFAULT gst_hls_origin_debug

namespace onair::hlsorigin {
namespace {

constexpr const char* kMethods = "GET, HEAD, OPTIONS";
// hls.js reads Age and Date; whoever measures reads the others.
constexpr const char* kExposed = "Age, Content-Length, Content-Range, Date, ETag";

ClockTime now() {
  return ClockTime{std::chrono::microseconds{g_get_monotonic_time()}};
}

std::string header(SoupServerMessage* message, const char* name) {
  const char* value =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

bool is_head(SoupServerMessage* message) {
  return std::string_view{soup_server_message_get_method(message)} == "HEAD";
}

Wishes wishes_of(SoupServerMessage* message) {
  return {.accept_encoding = header(message, "Accept-Encoding"),
          .if_none_match = header(message, "If-None-Match"),
          .if_range = header(message, "If-Range"),
          .range = is_head(message) ? "" : header(message, "Range")};
}

// The part of the data that a range means.
std::vector<BytesPtr> slice(const std::vector<BytesPtr>& data, ByteRange range) {
  std::vector<BytesPtr> result;
  for (const auto& bytes : data) {
    const guint64 size = g_bytes_get_size(bytes.get());
    const auto skipped = std::min(range.first, size);
    const auto taken = std::min(range.length, size - skipped);
    if (taken > 0)
      result.push_back(BytesPtr::adopt(g_bytes_new_from_bytes(bytes.get(), skipped, taken)));
    range.first -= skipped;
    range.length -= taken;
  }
  return result;
}

// What has been sent is forgotten, and libsoup leaves Range to us: it would copy the whole, and it does
// not check a range's ends (3.2).
void append(SoupServerMessage* message, const std::vector<BytesPtr>& data) {
  auto* body = soup_server_message_get_response_body(message);
  soup_message_body_set_accumulate(body, FALSE);
  for (const auto& bytes : data)
    soup_message_body_append_bytes(body, bytes.get());
}

// Ends a body that can't become whole, in a way that nobody takes for its end.
void cut_off(SoupServerMessage* message) {
  Acceptor::cut_off(message);
  soup_message_body_complete(soup_server_message_get_response_body(message));
  soup_server_message_unpause(message);
}

// Keeps its promise when nobody holds it any more.
class Farewell {
 public:
  ~Farewell() { done_.set_value(); }
  std::future<void> done() { return done_.get_future(); }

 private:
  std::promise<void> done_;
};

// libsoup forgets a message when it has been dealt with.
void hold(const std::shared_ptr<Farewell>& farewell, SoupServerMessage* message) {
  const auto release = [](gpointer held) { delete static_cast<std::shared_ptr<Farewell>*>(held); };
  g_object_set_data_full(G_OBJECT(message), "onair-farewell",
                         new std::shared_ptr<Farewell>{farewell}, release);
}

}  // namespace

Origin::Origin(Config config, std::shared_ptr<Mounts> mounts)
    : config_{std::move(config)}, mounts_{std::move(mounts)} {}

Origin::~Origin() = default;

std::string Origin::listen() {
  // Raw: what an escaped path means is read_target()'s to say.
  server_ = GstPtr<SoupServer>::adopt(
      soup_server_new("server-header", "gst-onair", "raw-paths", TRUE, nullptr));
  // No method here has a use for a body: it is read and dropped.
  const auto on_headers = [](SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                             gpointer) {
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
  };
  const auto on_request = [](SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                             gpointer self) { static_cast<Origin*>(self)->on_request(message); };
  soup_server_add_early_handler(server_.get(), nullptr, on_headers, nullptr, nullptr);
  soup_server_add_handler(server_.get(), nullptr, on_request, this, nullptr);
  acceptor_ = std::make_unique<Acceptor>(server_.get(), config_.acceptor);
  acceptor_->use(certificate_);
  const auto why_not = acceptor_->listen();
  if (why_not.empty() && acceptor_->most() < config_.acceptor.max_connections)
    GST_INFO("at most %zu connections, for want of file descriptors", acceptor_->most());
  return why_not;
}

void Origin::use(GstPtr<GTlsCertificate> certificate) {
  certificate_ = std::move(certificate);
  if (acceptor_)
    acceptor_->use(certificate_);
}

std::future<void> Origin::dismiss() {
  const auto farewell = std::make_shared<Farewell>();
  const auto gatherings = std::exchange(gatherings_, {});
  for (const auto& [key, gathering] : gatherings) {
    for (const auto& [message, member] : gathering->members)
      hold(farewell, message);
    abandon(gathering);
  }
  return farewell->done();
}

void Origin::stop() {
  acceptor_->stop();
  soup_server_disconnect(server_.get());
  server_.reset();
}

Origin::Stats Origin::stats() {
  auto stats = counters_.get();
  stats.connections = acceptor_->connections();
  return stats;
}

void Origin::on_request(SoupServerMessage* message) {
  counters_.lock()->requests++;
  const std::string_view method = soup_server_message_get_method(message);
  Member member{.message = GstPtr<SoupServerMessage>::share(message)};
  if (method == "OPTIONS")
    return answer_preflight(message);
  if (method != "GET" && method != "HEAD")
    return refuse(member,
                  problem(405, "Only GET and HEAD are possible here.", {{"Allow", kMethods}}));

  auto* uri = soup_server_message_get_uri(message);
  const char* query = g_uri_get_query(uri);
  const auto read = read_target(g_uri_get_path(uri), query ? query : "");
  if (const auto* fault = std::get_if<TargetFault>(&read)) {
    if (*fault == TargetFault::TooLong)
      return refuse(member, problem(414, "The address is too long."));
    return refuse(member, problem(400, "The address is not one of a resource."));
  }
  const auto& target = std::get<Target>(read);
  const auto found = mounts_->find(target.path);
  if (!found || found->name.empty())
    return refuse(member, problem(404, "There is no such resource."));

  const Wanted wanted{.mount = found->mount,
                      .name = found->name,
                      .target = found->name + (query ? "?" + target.query : "")};
  const auto gathering = gatherings_.find({wanted.mount.get(), wanted.target});
  if (gathering != gatherings_.end()) {
    join(gathering->second, std::move(member));
    return count_gatherings();
  }
  const auto resource = ask(wanted, 0);
  std::vector<Member> members;
  members.push_back(std::move(member));
  deliver(wanted, resource, std::move(members));
}

void Origin::answer_preflight(SoupServerMessage* message) {
  set_headers(message, {{"Allow", kMethods}});
  if (!config_.cors_origin.empty())
    set_headers(message, {{"Access-Control-Allow-Methods", kMethods},
                          {"Access-Control-Allow-Headers", "*"},
                          {"Access-Control-Max-Age", "86400"}});
  soup_server_message_set_status(message, 204, nullptr);
}

Resource Origin::ask(const Wanted& wanted, guint64 offset) {
  if (const auto source = wanted.mount->source())
    return hlsorigin::ask(source.get(), wanted.target, offset);
  Resource gone;
  gone.status = 404;
  gone.reason = "The channel is gone.";
  return gone;
}

void Origin::deliver(const Wanted& wanted, const Resource& resource, std::vector<Member> members) {
  const bool is_awaited = resource.status == Resource::kNotYet && resource.patience > Duration{};
  const bool is_growing = resource.status == Resource::kOk && !resource.is_complete;
  if (is_awaited || is_growing)
    return gather(wanted, resource, std::move(members));
  for (const auto& member : members)
    answer(wanted, resource, member);
}

void Origin::gather(const Wanted& wanted, const Resource& resource, std::vector<Member> members) {
  auto gathering = std::make_shared<Gathering>();
  gathering->wanted = wanted;
  gathering->is_growing = resource.status == Resource::kOk;
  gathering->wait_for = resource.wait_for.empty() ? wanted.name : resource.wait_for;
  gathering->patience = resource.patience;
  if (gathering->is_growing)
    gathering->so_far = resource;
  gatherings_[{wanted.mount.get(), wanted.target}] = gathering;
  for (auto& member : members)
    join(gathering, std::move(member));
  count_gatherings();
}

void Origin::join(const GatheringPtr& gathering, Member member) {
  auto* message = member.message.get();
  if (gathering->is_growing) {
    begin_growing(gathering->so_far, member);
    if (is_head(message))
      return;
  } else {
    member.deadline = now() + gathering->patience;
    member.is_paused = true;
    soup_server_message_pause(message);
  }
  const auto on_gone = +[](SoupServerMessage* gone, gpointer data) {
    if (const auto left = strong_from<Gathering>(data))
      left->members.erase(gone);
  };
  connect_weak(message, "finished", G_CALLBACK(on_gone), gathering);
  connect_weak(message, "disconnected", G_CALLBACK(on_gone), gathering);
  gathering->members.emplace(message, std::move(member));
}

void Origin::begin_growing(const Resource& resource, Member& member) {
  auto* message = member.message.get();
  set_headers(message,
              {{"Content-Type", resource.content_type}, {"Cache-Control", resource.cache_control}});
  // nginx asks with HTTP/1.0 unless told otherwise.
  const bool has_chunks = soup_server_message_get_http_version(message) != SOUP_HTTP_1_0;
  soup_message_headers_set_encoding(soup_server_message_get_response_headers(message),
                                    has_chunks ? SOUP_ENCODING_CHUNKED : SOUP_ENCODING_EOF);
  soup_server_message_set_status(message, 200, nullptr);
  append(message, resource.data);
  counters_.lock()->bytes += resource.size;
  if (std::exchange(member.is_paused, false))
    soup_server_message_unpause(message);
}

void Origin::on_changed(const MountPtr& mount, const std::string& name) {
  std::vector<GatheringPtr> concerned;
  for (auto each = gatherings_.lower_bound({mount.get(), {}});
       each != gatherings_.end() && each->first.first == mount.get(); ++each)
    if ((each->second->is_growing ? each->second->wanted.name : each->second->wait_for) == name)
      concerned.push_back(each->second);
  for (const auto& gathering : concerned) {
    if (gathering->members.empty()) {
      gatherings_.erase({mount.get(), gathering->wanted.target});
      continue;
    }
    if (gathering->is_growing) {
      grow(gathering);
      continue;
    }
    const auto resource = ask(gathering->wanted, 0);
    if (resource.status == Resource::kNotYet)
      gathering->wait_for = resource.wait_for.empty() ? gathering->wait_for : resource.wait_for;
    else
      deliver(gathering->wanted, resource, dissolve(gathering));
  }
  count_gatherings();
}

void Origin::grow(const GatheringPtr& gathering) {
  const auto news = ask(gathering->wanted, gathering->so_far.size);
  if (news.status != Resource::kOk) {
    abandon(gathering);
    return;
  }
  auto& so_far = gathering->so_far;
  so_far.data.insert(so_far.data.end(), news.data.begin(), news.data.end());
  so_far.size += news.size;
  for (const auto& [message, member] : gathering->members) {
    append(message, news.data);
    if (news.is_complete)
      soup_message_body_complete(soup_server_message_get_response_body(message));
    soup_server_message_unpause(message);
  }
  counters_.lock()->bytes += news.size * gathering->members.size();
  if (news.is_complete)
    static_cast<void>(dissolve(gathering));
}

// What nobody can have any more, or not now.
void Origin::abandon(const GatheringPtr& gathering) {
  for (const auto& member : dissolve(gathering)) {
    if (gathering->is_growing)
      cut_off(member.message.get());
    else
      refuse(member, problem(503, "The channel has stopped."));
  }
}

std::vector<Origin::Member> Origin::dissolve(const GatheringPtr& gathering) {
  gatherings_.erase({gathering->wanted.mount.get(), gathering->wanted.target});
  std::vector<Member> members;
  for (auto& [message, member] : std::exchange(gathering->members, {}))
    members.push_back(std::move(member));
  return members;
}

void Origin::on_unmounted(const MountPtr& mount) {
  std::vector<GatheringPtr> concerned;
  for (const auto& [key, gathering] : gatherings_)
    if (key.first == mount.get())
      concerned.push_back(gathering);
  for (const auto& gathering : concerned)
    abandon(gathering);
  count_gatherings();
}

void Origin::tick() {
  acceptor_->resume();
  const auto time = now();
  for (auto each = gatherings_.begin(); each != gatherings_.end();) {
    auto& gathering = *each->second;
    std::vector<Member> late;
    for (const auto& [message, member] : gathering.members)
      if (!gathering.is_growing && member.deadline <= time)
        late.push_back(member);
    for (const auto& member : late) {
      gathering.members.erase(member.message.get());
      refuse(member, problem(503, "It did not come in time."));
    }
    each = gathering.members.empty() ? gatherings_.erase(each) : std::next(each);
  }
  count_gatherings();
}

void Origin::answer(const Wanted& wanted, const Resource& resource, const Member& member) {
  if (resource.status == Resource::kNotYet)
    return refuse(member, problem(503, "It is not there yet."));
  if (resource.status != Resource::kOk) {
    const bool is_error = resource.status >= 400 && resource.status < 600;
    return refuse(member, problem(is_error ? resource.status : 500, resource.reason));
  }
  const auto wishes = wishes_of(member.message.get());
  Entity entity{.content_type = resource.content_type,
                .cache_control = resource.cache_control,
                .etag = resource.etag,
                .size = resource.size,
                .has_two_forms = is_text(resource.content_type),
                .gzip_size = std::nullopt};
  BytesPtr gzip;
  if (entity.has_two_forms) {
    auto& text = texts_.remember(wanted.mount->prefix() + wanted.target, resource);
    entity.etag = text.etag;
    if (accepts_gzip(wishes.accept_encoding))
      gzip = Texts::gzip(text);
    if (gzip)
      entity.gzip_size = g_bytes_get_size(gzip.get());
  }
  const auto reply = reply_with(entity, wishes);
  switch (reply.body) {
    case Reply::Body::Plain:
      return send(member, reply, slice(resource.data, reply.bytes));
    case Reply::Body::Gzip:
      return send(member, reply, {gzip});
    case Reply::Body::Text:
      return refuse(member, reply);
    case Reply::Body::None:
      return send(member, reply, {});
  }
}

void Origin::refuse(const Member& member, const Reply& reply) {
  GST_LOG("%s: %u %s", g_uri_get_path(soup_server_message_get_uri(member.message.get())),
          reply.status, reply.text.c_str());
  send(member, reply, {BytesPtr::adopt(g_bytes_new(reply.text.data(), reply.text.size()))});
}

void Origin::send(const Member& member, const Reply& reply, const std::vector<BytesPtr>& body) {
  auto* message = member.message.get();
  {
    const auto counters = counters_.lock();
    counters->not_modified += reply.status == 304 ? 1 : 0;
    counters->client_errors += reply.status >= 400 && reply.status < 500 ? 1 : 0;
    counters->server_errors += reply.status >= 500 ? 1 : 0;
    counters->bytes += body.empty() || is_head(message) ? 0 : reply.bytes.length;
  }
  set_headers(message, reply.headers);
  // Also where no body follows (HEAD, 304): libsoup would say 0.
  soup_message_headers_set_content_length(soup_server_message_get_response_headers(message),
                                          static_cast<goffset>(reply.bytes.length));
  soup_server_message_set_status(message, reply.status, nullptr);
  append(message, body);
  soup_message_body_complete(soup_server_message_get_response_body(message));
  if (member.is_paused)
    soup_server_message_unpause(message);
}

void Origin::set_headers(SoupServerMessage* message, const Headers& headers) {
  auto* to = soup_server_message_get_response_headers(message);
  if (!config_.cors_origin.empty()) {
    soup_message_headers_replace(to, "Access-Control-Allow-Origin", config_.cors_origin.c_str());
    soup_message_headers_replace(to, "Access-Control-Expose-Headers", kExposed);
  }
  for (const auto& [name, value] : headers)
    if (!value.empty())
      soup_message_headers_replace(to, name.c_str(), value.c_str());
}

void Origin::count_gatherings() {
  guint64 waiting = 0;
  guint64 growing = 0;
  for (const auto& [key, gathering] : gatherings_)
    (gathering->is_growing ? growing : waiting) += gathering->members.size();
  const auto counters = counters_.lock();
  counters->waiting = waiting;
  counters->growing = growing;
}

}  // namespace onair::hlsorigin
