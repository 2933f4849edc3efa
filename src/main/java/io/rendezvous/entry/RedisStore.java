package io.rendezvous.entry;

import io.rendezvous.net.FailureText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RBucket;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.api.options.KeysScanOptions;
import org.redisson.client.RedisException;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store in Redis. Each entry is a string whose key is the UUID, as older servers keep it. Redis
 * is connected to when it is first needed, and again when it comes back.
 */
public final class RedisStore implements EntryStore {
  private static final Logger LOG = LoggerFactory.getLogger(RedisStore.class);
  private static final String UUID_PATTERN = "????????-????-????-????-????????????";

  /** The keys of secrets begin with it. A key that is not a UUID is no entry. */
  private static final String SECRET_PREFIX = "rendezvous:";

  private static final int BATCH_SIZE = 500;
  private static final int MAX_TRIES = 10;

  /**
   * Writes an entry if the key has the expected value, and no other entry has one of the names of
   * the labels. Returns 0 if it was written, -1 if the value is another, or the number of the label
   * that is taken. All entries are searched, since older databases have no index of labels. A value
   * that is not the entry of its key has no labels.
   */
  private static final String PUT =
      RedisChanges.FUNCTIONS
          + """
          local now = redis.pcall('GET', KEYS[1]) -- a table if it is not a string
          if type(now) == 'table' or (now or '') ~= ARGV[3] then return -1 end
          local cursor = '0'
          repeat
            local page = redis.call('SCAN', cursor, 'MATCH', ARGV[2], 'COUNT', 1000)
            cursor = page[1]
            for _, key in ipairs(#ARGV > 4 and page[2] or {}) do
              local value = key ~= KEYS[1] and redis.pcall('GET', key)
              local fine, entry = pcall(cjson.decode, value)
              if fine and type(entry) == 'table' and type(entry.labels) == 'table'
                  and string.lower(tostring(entry.uuid)) == key then
                for _, label in pairs(entry.labels) do
                  for i = 5, #ARGV do
                    local name = string.gsub(string.lower(tostring(label)), ':.*', '')
                    if name == ARGV[i] then return i - 4 end
                  end
                end
              end
            end
          until cursor == '0' or #ARGV == 4
          redis.call('SET', KEYS[1], ARGV[1])
          if string.find(ARGV[4], 'revoked') then revoke(KEYS[1]) end
          if string.find(ARGV[4], 'password') then set_password(KEYS[1]) end
          return 0
          """;

  private static final String DELETE =
      RedisChanges.FUNCTIONS
          + """
          local deleted = redis.call('DEL', KEYS[1])
          if deleted == 1 then revoke(KEYS[1]) end
          return deleted
          """;

  private final RedisClient client;
  private final RedissonClient redis;
  private volatile @Nullable RedisChanges changes;

  /**
   * Creates the store, without connecting.
   *
   * @param location {@code redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]}, or {@code rediss://} for
   *     TLS
   * @throws IllegalArgumentException if the location is malformed; the message does not show it
   */
  public RedisStore(String location) {
    this.client = new RedisClient(RedisLocation.parse(location));
    this.redis = client.redisson();
  }

  @Override
  public Optional<Entry> find(UUID id) throws IOException {
    String text = text(id);
    return text == null ? Optional.empty() : read(id.toString(), text);
  }

  private @Nullable String text(UUID id) throws IOException {
    try {
      return client.call(() -> redis.<@Nullable String>getBucket(id.toString()).get());
    } catch (RedisClient.WrongTypeException e) {
      return null;
    }
  }

  private Optional<Entry> read(String key, String text) {
    if (text.length() > Entry.MAX_BYTES) {
      LOG.warn(
          "{}: the key {} counts as missing: it is too large for an entry",
          client,
          abbreviated(key));
      return Optional.empty();
    }
    try {
      Entry entry = Entry.parse(text);
      if (entry.id().toString().equals(key)) {
        return Optional.of(entry);
      }
      LOG.warn(
          "{}: the key {} counts as missing: it contains another UUID", client, abbreviated(key));
    } catch (IOException e) {
      LOG.warn("{}: the key {} counts as missing: {}", client, abbreviated(key), FailureText.of(e));
    }
    return Optional.empty();
  }

  private static String abbreviated(String key) {
    return key.substring(0, 8) + "...";
  }

  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    try {
      Iterator<String> keys =
          redis
              .getKeys()
              .getKeys(KeysScanOptions.defaults().pattern(UUID_PATTERN).chunkSize(BATCH_SIZE))
              .iterator();
      List<String> batch = client.call(() -> next(keys));
      while (!batch.isEmpty()) {
        String[] names = batch.stream().filter(RedisStore::isId).toArray(String[]::new);
        Map<String, String> found = client.call(() -> redis.getBuckets().<String>get(names));
        found.forEach((key, text) -> read(key, text).ifPresent(entries::add));
        batch = client.call(() -> next(keys));
      }
    } catch (RedisException | RedisClient.WrongTypeException e) {
      throw client.unreachable(e);
    }
    return entries;
  }

  private static List<String> next(Iterator<String> keys) {
    List<String> batch = new ArrayList<>();
    while (batch.size() < BATCH_SIZE && keys.hasNext()) {
      batch.add(keys.next());
    }
    return batch;
  }

  private static boolean isId(String key) {
    return Entry.parseId(key).filter(id -> id.toString().equals(key)).isPresent();
  }

  @Override
  public void create(Entry entry) throws IOException {
    if (!put(entry, "", entry.labels(), "")) {
      throw new IllegalArgumentException("an entry with that UUID exists already");
    }
  }

  @Override
  public Optional<Entry> change(UUID id, UnaryOperator<Entry> how) throws IOException {
    for (int i = 0; i < MAX_TRIES; i++) {
      String text = text(id);
      Optional<Entry> old = text == null ? Optional.empty() : read(id.toString(), text);
      if (text == null || old.isEmpty()) {
        return Optional.empty();
      }
      Entry changed = how.apply(old.get());
      List<String> newLabels = new ArrayList<>(changed.labels());
      newLabels.removeAll(old.get().labels());
      if (put(changed, text, newLabels, changes(old.get(), changed))) {
        return Optional.of(changed);
      }
    }
    throw new IOException(client + ": others keep changing that entry; try again");
  }

  /** Returns the words for what listeners have to be told. */
  private static String changes(Entry old, Entry changed) {
    String revoked = changed.revoked().equals(old.revoked()) ? "" : "revoked ";
    return revoked + (changed.hasNewPassword(old) ? "password" : "");
  }

  /**
   * Writes an entry if the key still has the expected value.
   *
   * @param expected the current value, or an empty string for none
   * @param newLabels the labels that no other entry may have
   * @param toTell what listeners have to be told: {@code revoked}, {@code password}, both or
   *     nothing
   * @return whether the entry was written
   * @throws IllegalArgumentException if a label is taken
   */
  private boolean put(Entry entry, String expected, List<String> newLabels, String toTell)
      throws IOException {
    List<Object> arguments = new ArrayList<>();
    arguments.add(entry.toJson());
    arguments.add(UUID_PATTERN);
    arguments.add(expected);
    arguments.add(toTell);
    newLabels.forEach(label -> arguments.add(Label.nameOf(label)));
    int result = (int) run(PUT, entry.id(), arguments);
    if (result > 0) {
      throw new IllegalArgumentException(
          "the label " + newLabels.get(result - 1) + " belongs to another entry");
    }
    return result == 0;
  }

  @Override
  public boolean delete(UUID id) throws IOException {
    return run(DELETE, id, List.of()) == 1;
  }

  private long run(String script, UUID id, List<Object> arguments) throws IOException {
    try {
      return client.<Long>call(
          () ->
              redis
                  .getScript(StringCodec.INSTANCE)
                  .eval(
                      RScript.Mode.READ_WRITE,
                      script,
                      RScript.ReturnType.LONG,
                      List.of(id.toString()),
                      arguments.toArray()));
    } catch (RedisClient.WrongTypeException e) {
      throw client.unreachable(e);
    }
  }

  @Override
  public void onChange(EntryListener listener) {
    RedisChanges started = new RedisChanges(client, listener);
    changes = started;
    started.start();
  }

  @Override
  public Optional<String> sharedSecret(String name, String candidate) throws IOException {
    RBucket<String> bucket = redis.getBucket(SECRET_PREFIX + name);
    try {
      client.call(() -> bucket.setIfAbsent(candidate));
      return Optional.of(client.call(bucket::get));
    } catch (RedisClient.WrongTypeException e) {
      throw client.unreachable(e);
    }
  }

  @Override
  public String where() {
    return client.toString();
  }

  @Override
  public void close() {
    RedisChanges running = changes;
    if (running != null) {
      running.close();
    }
    client.close();
  }
}
