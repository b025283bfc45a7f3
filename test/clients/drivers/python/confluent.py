"""The driver for confluent-kafka-python, which is librdkafka: a recent one from pip, an old one from Debian."""

import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic
from contract import (
    COMMIT_EVERY_S,
    HEARTBEAT_MS,
    SESSION_MS,
    drive,
    insist,
    is_altered,
    is_created,
    key_of,
    name_of,
    portions,
    say,
    shown,
    stop_asked,
    value_of,
    words_of,
)

REQUEST_S_MAX = 10


def version(_asked):
    library, _ = confluent_kafka.libversion()
    own = confluent_kafka.version()
    own = own if isinstance(own, str) else own[0]
    say(version=f"confluent-kafka {own} with librdkafka {library}")


def produce(asked):
    settings = {
        "bootstrap.servers": asked["bootstrap"],
        "enable.idempotence": asked["idempotent"],
        "acks": "all",
        "compression.type": asked["codec"],
    }
    if asked["codec"] != "none":
        settings["linger.ms"] = 50
    producer = Producer(settings)

    def delivered(n):
        def told(error, _message):
            if error is None:
                say(acked=n)
            else:
                say(error=error.str(), n=n)

        return told

    for numbers in portions(asked):
        for n in numbers:
            while True:
                try:
                    producer.produce(
                        asked["topic"],
                        key=key_of(n),
                        value=value_of(n),
                        partition=n % asked["partitions"],
                        on_delivery=delivered(n),
                    )
                    break
                except BufferError:
                    producer.poll(0.05)
        producer.poll(0)
    producer.flush()
    say(done=True)


def consumer_of(asked, group, protocol="classic"):
    settings = {
        "bootstrap.servers": asked["bootstrap"],
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest" if asked.get("fromStart", True) else "latest",
    }
    if protocol == "consumer":
        settings["group.protocol"] = "consumer"
    else:
        settings["session.timeout.ms"] = SESSION_MS
        settings["heartbeat.interval.ms"] = HEARTBEAT_MS
    if "instanceId" in asked:
        settings["group.instance.id"] = asked["instanceId"]
    return Consumer(settings)


def consume(asked):
    topic = asked["topic"]
    stop = stop_asked()
    try:
        consumer = consumer_of(asked, asked["group"], asked["protocol"])
    except KafkaException as error:
        if asked["protocol"] == "consumer":
            return say(unsupported=words_of(error.args[0]))
        raise
    following = {}
    committed = {}
    owned = set()

    def commit():
        due = {p: offset for p, offset in following.items() if committed.get(p) != offset}
        if not due:
            return
        places = [TopicPartition(topic, p, offset) for p, offset in due.items()]
        try:
            for place in consumer.commit(offsets=places, asynchronous=False):
                if place.error is not None:
                    say(error=f"commit: {place.error.str()}")
                    continue
                committed[place.partition] = place.offset
                say(committed=[place.partition, place.offset])
        except KafkaException as error:
            say(error=f"commit: {error.args[0].str()}")

    def forget(places):
        gone = [place.partition for place in places]
        for p in gone:
            owned.discard(p)
            following.pop(p, None)
            committed.pop(p, None)
        say(revoked=gone)

    def assigned(_consumer, places):
        owned.update(place.partition for place in places)
        say(assigned=[place.partition for place in places])

    def revoked(_consumer, places):
        commit()
        forget(places)

    listeners = {"on_assign": assigned, "on_revoke": revoked}
    if hasattr(consumer, "incremental_assign"):
        listeners["on_lost"] = lambda _consumer, places: forget(places)
    consumer.subscribe([topic], **listeners)
    last_commit = time.monotonic()
    while not stop.is_set():
        message = consumer.poll(0.05)
        if message is not None:
            if message.error() is not None:
                say(error=message.error().str())
            else:
                p, offset = message.partition(), message.offset()
                say(record=[p, offset, name_of(message.value())])
                following[p] = offset + 1
        if time.monotonic() - last_commit > COMMIT_EVERY_S:
            commit()
            last_commit = time.monotonic()
    commit()
    consumer.close()


def seek(asked):
    topic = asked["topic"]
    consumer = consumer_of(asked, f"{topic}-seek")
    partitions = insist(lambda: partitions_of(consumer, topic))
    times = [TopicPartition(topic, p, asked["timestampMs"]) for p in partitions]
    found = insist(lambda: consumer.offsets_for_times(times, timeout=REQUEST_S_MAX))
    wanted = {}
    for place in found:
        offset = place.offset if place.offset >= 0 else -1
        say(found=[place.partition, offset])
        if offset >= 0:
            wanted[place.partition] = offset
    consumer.assign([TopicPartition(topic, p, offset) for p, offset in wanted.items()])
    while wanted:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error() is not None:
            say(error=message.error().str())
        elif wanted.get(message.partition()) == message.offset():
            say(record=[message.partition(), message.offset(), name_of(message.value())])
            del wanted[message.partition()]
    consumer.close()


def partitions_of(client, topic):
    described = client.list_topics(topic, timeout=REQUEST_S_MAX).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)
    return sorted(described.partitions)


def administer(asked):
    topic = asked["topic"]
    admin = AdminClient({"bootstrap.servers": asked["bootstrap"]})

    def of(futures):
        [future] = futures.values()
        return future.result(timeout=REQUEST_S_MAX)

    def described():
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        configs = of(admin.describe_configs([resource], request_timeout=REQUEST_S_MAX))
        try:
            partitions = len(partitions_of(admin, topic))
        except KafkaException:
            partitions = 0
        return {"partitions": partitions, "retentionMs": int(configs["retention.ms"].value)}

    def says(text):
        return lambda error: text in words_of(error)

    new = NewTopic(topic, 3, replication_factor=3, config={"retention.ms": "60000"})
    insist(lambda: of(admin.create_topics([new])), says("exists"))
    say(created=True)
    say(described=insist(lambda: shown(described, is_created)))
    insist(lambda: of(alter(admin, topic)))
    insist(lambda: of(admin.create_partitions([NewPartitions(topic, 5)])), says("PARTITIONS"))
    say(altered=insist(lambda: shown(described, is_altered)))
    insist(lambda: of(admin.delete_topics([topic])), says("UNKNOWN_TOPIC"))
    say(deleted=True)


def alter(admin, topic):
    """Old versions can only set all configs of a topic at once."""
    if not hasattr(admin, "incremental_alter_configs"):
        resource = ConfigResource(
            ConfigResource.Type.TOPIC, topic, set_config={"retention.ms": "120000"}
        )
        return admin.alter_configs([resource])
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    change = ConfigEntry("retention.ms", "120000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])
    return admin.incremental_alter_configs([resource])


drive(
    {
        "version": version,
        "produce": produce,
        "consume": consume,
        "seek": seek,
        "admin": administer,
    }
)
