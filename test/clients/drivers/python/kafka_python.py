"""The driver for kafka-python: Python throughout, on threads."""

import time

import kafka
from contract import (
    COMMIT_EVERY_S,
    HEARTBEAT_MS,
    SESSION_MS,
    Rebalances,
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
    tell_found,
    tell_read,
    value_of,
    words_of,
)
from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError


def version(_asked):
    say(version=f"kafka-python {kafka.__version__}")


def servers(asked):
    return asked["bootstrap"].split(",")


def produce(asked):
    codec = None if asked["codec"] == "none" else asked["codec"]
    producer = KafkaProducer(
        bootstrap_servers=servers(asked),
        acks="all",
        compression_type=codec,
        linger_ms=0 if codec is None else 50,
        enable_idempotence=asked["idempotent"],
    )

    def failed(n):
        return lambda error: say(error=words_of(error), n=n)

    def acked(n):
        return lambda _told: say(acked=n)

    for numbers in portions(asked):
        for n in numbers:
            try:
                delivery = producer.send(
                    asked["topic"], value_of(n), key_of(n), partition=n % asked["partitions"]
                )
                delivery.add_callback(acked(n)).add_errback(failed(n))
            except KafkaError as error:
                say(error=words_of(error), n=n)
    producer.flush()
    say(done=True)
    producer.close()


class Listener(Rebalances, AsyncConsumerRebalanceListener):
    """Runs on the thread of the connections, where a commit can be awaited and must not block."""


def consume(asked):
    if asked["protocol"] == "consumer":
        return say(unsupported="kafka-python has the classic protocol only")
    stop = stop_asked()
    options = {"group_instance_id": asked["instanceId"]} if "instanceId" in asked else {}
    consumer = KafkaConsumer(
        bootstrap_servers=servers(asked),
        group_id=asked["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest" if asked["fromStart"] else "latest",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        **options,
    )
    following = {}
    committed = {}

    def due():
        return {
            place: OffsetAndMetadata(offset, "", -1)
            for place, offset in following.items()
            if committed.get(place) != offset
        }

    def succeeded(offsets):
        for place, at in offsets.items():
            committed[place] = at.offset
            say(committed=[place.partition, at.offset])

    def commit():
        offsets = due()
        try:
            if offsets:
                consumer.commit(offsets)
                succeeded(offsets)
        except KafkaError as error:
            say(error=f"commit: {words_of(error)}")

    async def commits():
        offsets = due()
        try:
            if offsets:
                await consumer.commit_async(offsets)
                succeeded(offsets)
        except KafkaError as error:
            say(error=f"commit: {words_of(error)}")

    consumer.subscribe([asked["topic"]], listener=Listener(commits, following))
    last_commit = time.monotonic()
    while not stop.is_set():
        try:
            batches = consumer.poll(timeout_ms=50)
        except KafkaError as error:
            say(error=words_of(error))
            continue
        for place, records in batches.items():
            for record in records:
                say(record=[place.partition, record.offset, name_of(record.value)])
                following[place] = record.offset + 1
        if time.monotonic() - last_commit > COMMIT_EVERY_S:
            commit()
            last_commit = time.monotonic()
    commit()
    consumer.close()


def seek(asked):
    topic = asked["topic"]
    consumer = insist(lambda: KafkaConsumer(bootstrap_servers=servers(asked)))
    partitions = insist(lambda: sorted(consumer.partitions_for_topic(topic)))
    places = [TopicPartition(topic, p) for p in partitions]
    times = {place: asked["timestampMs"] for place in places}
    found = insist(lambda: consumer.offsets_for_times(times))
    wanted = tell_found(found)
    consumer.assign(list(wanted))
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    while wanted:
        tell_read(consumer.poll(timeout_ms=200), wanted)
    consumer.close()


def administer(asked):
    """
    A new client for each call: one that remembers a controller that died goes on asking for it, also when that broker is back
    (UnknownBrokerIdError).
    """
    topic = asked["topic"]
    new = {"num_partitions": 3, "replication_factor": 3, "configs": {"retention.ms": "60000"}}

    def with_admin(use):
        admin = KafkaAdminClient(bootstrap_servers=servers(asked))
        try:
            return use(admin)
        finally:
            admin.close()

    def see(admin):
        [about] = admin.describe_topics([topic])
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        [topics] = admin.describe_configs([resource], config_filter="all").values()
        retention = topics[topic]["retention.ms"]
        value = retention["value"] if isinstance(retention, dict) else retention
        return {"partitions": len(about["partitions"]), "retentionMs": int(value)}

    def described():
        return with_admin(see)

    def do(use, is_done=lambda error: False):
        insist(lambda: with_admin(use), is_done)

    def named(name):
        return lambda error: type(error).__name__ == name

    do(lambda admin: admin.create_topics({topic: new}), named("TopicAlreadyExistsError"))
    say(created=True)
    say(described=insist(lambda: shown(described, is_created)))
    configs = {"retention.ms": "120000"}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)
    do(lambda admin: admin.alter_configs([resource]))
    do(lambda admin: admin.create_partitions({topic: 5}), named("InvalidPartitionsError"))
    say(altered=insist(lambda: shown(described, is_altered)))
    do(lambda admin: admin.delete_topics([topic]), named("UnknownTopicOrPartitionError"))
    say(deleted=True)


drive(
    {
        "version": version,
        "produce": produce,
        "consume": consume,
        "seek": seek,
        "admin": administer,
    }
)
