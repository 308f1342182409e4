"""The tables of the APIs about the cluster: ApiVersions, Metadata, CreateTopics."""

from stage8_real_systems.log.front.schema import Api

API_VERSIONS = Api(
    key=18,
    name="ApiVersions",
    versions=range(4),
    flexible=3,
    request="""
        client_software_name    string  3+
        client_software_version string  3+
    """,
    response="""
        error_code              int16
        api_keys                []
          api_key               int16
          min_version           int16
          max_version           int16
        throttle_time_ms        int32   1+
    """,
)

METADATA = Api(
    key=3,
    name="Metadata",
    versions=range(1, 10),
    flexible=9,
    request="""
        topics                  []?
          name                  string
        allow_auto_topic_creation bool  4+ =true
        include_cluster_authorized_operations bool 8+
        include_topic_authorized_operations bool 8+
    """,
    response="""
        throttle_time_ms        int32   3+
        brokers                 []
          node_id               int32
          host                  string
          port                  int32
          rack                  string?
        cluster_id              string? 2+
        controller_id           int32   =-1
        topics                  []
          error_code            int16
          name                  string
          is_internal           bool
          partitions            []
            error_code          int16
            partition_index     int32
            leader_id           int32   =-1
            leader_epoch        int32   7+ =-1
            replica_nodes       []int32
            isr_nodes           []int32
            offline_replicas    []int32 5+
          topic_authorized_operations int32 8+ =-2147483648
        cluster_authorized_operations int32 8+ =-2147483648
    """,
)

CREATE_TOPICS = Api(
    key=19,
    name="CreateTopics",
    versions=range(2, 6),
    flexible=5,
    request="""
        topics                  []
          name                  string
          num_partitions        int32
          replication_factor    int16
          assignments           []
            partition_index     int32
            broker_ids          []int32
          configs               []
            name                string
            value               string?
        timeout_ms              int32
        validate_only           bool
    """,
    response="""
        throttle_time_ms        int32
        topics                  []
          name                  string
          error_code            int16
          error_message         string?
          num_partitions        int32   5+ =-1
          replication_factor    int16   5+ =-1
          configs               []?     5+
            name                string
            value               string?
            read_only           bool
            config_source       int8    =-1
            is_sensitive        bool
    """,
)
