import {
  LOWER,
  type Maker,
  UPPER,
  URL_SUFFIX,
  arnOf,
  derived,
  derivedUuid,
  generatedName,
  plainId,
} from './identity.ts'

const HEX = '0123456789abcdef'

/** An EC2 resource: `vpc-0a1b2c3d4e5f6a7b8`. */
const ec2Id =
  (prefix: string, attribute: string, more: Readonly<Record<string, string>> = {}): Maker =>
  (id) => {
    const ref = `${prefix}-${derived(id, 17, HEX)}`
    return { ref, arn: '', attributes: { [attribute]: ref, ...more } }
  }

/** A type whose `Ref` is its name, and which has an ARN. */
const named =
  (
    service: string,
    property: string,
    resource: (name: string) => string,
    more: readonly string[] = [],
  ): Maker =>
  (id, name) => {
    const ref = name(property) ?? generatedName(id, 64)
    const arn = arnOf(id, service, resource(ref))
    return { ref, arn, attributes: { Arn: arn, ...Object.fromEntries(more.map((key) => [key, ref])) } }
  }

/** A type whose `Ref` is its ARN. */
const byArn =
  (
    service: string,
    property: string,
    resource: (name: string) => string,
    arns: readonly string[],
    names: readonly string[] = [],
  ): Maker =>
  (id, name) => {
    const given = name(property) ?? generatedName(id, 64)
    const arn = arnOf(id, service, resource(given))
    return {
      ref: arn,
      arn,
      attributes: {
        ...Object.fromEntries(arns.map((key) => [key, arn])),
        ...Object.fromEntries(names.map((key) => [key, given])),
      },
    }
  }

const bucket: Maker = (id, name) => {
  const ref = name('BucketName') ?? generatedName(id, 63).toLowerCase()
  const arn = `arn:${id.partition}:s3:::${ref}`
  return {
    ref,
    arn,
    attributes: {
      Arn: arn,
      DomainName: `${ref}.s3.${URL_SUFFIX}`,
      RegionalDomainName: `${ref}.s3.${id.region}.${URL_SUFFIX}`,
      DualStackDomainName: `${ref}.s3.dualstack.${id.region}.${URL_SUFFIX}`,
      WebsiteURL: `http://${ref}.s3-website-${id.region}.${URL_SUFFIX}`,
    },
  }
}

const userPool: Maker = (id) => {
  const ref = `${id.region}_${derived(id, 9, UPPER + LOWER)}`
  const provider = `cognito-idp.${id.region}.${URL_SUFFIX}/${ref}`
  const arn = arnOf(id, 'cognito-idp', `userpool/${ref}`)
  return {
    ref,
    arn,
    attributes: { Arn: arn, UserPoolId: ref, ProviderName: provider, ProviderURL: `https://${provider}` },
  }
}

const distribution: Maker = (id) => {
  const ref = `E${derived(id, 13, UPPER)}`
  return {
    ref,
    arn: `arn:${id.partition}:cloudfront::${id.accountId}:distribution/${ref}`,
    attributes: { Id: ref, DomainName: `d${derived(id, 13, LOWER)}.cloudfront.net` },
  }
}

const key: Maker = (id) => {
  const ref = derivedUuid(id)
  const arn = arnOf(id, 'kms', `key/${ref}`)
  return { ref, arn, attributes: { Arn: arn, KeyId: ref } }
}

const secret: Maker = (id, name) => {
  const given = name('Name') ?? generatedName(id, 64)
  const arn = arnOf(id, 'secretsmanager', `secret:${given}-${derived(id, 6, UPPER + LOWER)}`)
  return { ref: arn, arn, attributes: { Id: arn } }
}

const withEndpoint =
  (service: string, property: string): Maker =>
  (id, name) => {
    const ref = name(property) ?? generatedName(id, 40).toLowerCase()
    const host = `${ref}.${derived(id, 12, LOWER)}.${id.region}.${service}.${URL_SUFFIX}`
    return {
      ref,
      arn: arnOf(id, service, `db:${ref}`),
      attributes: { 'Endpoint.Address': host, 'Endpoint.Port': '5432', 'ReadEndpoint.Address': host },
    }
  }

/**
 * Types that nobody emulates here, but that functions are told about: names, ids and ARNs of the form that AWS gives.
 * A call there fails at once and says so.
 */
export const NOT_EMULATED: Readonly<Record<string, Maker>> = {
  'AWS::ApiGateway::Authorizer': plainId(6, 'AuthorizerId'),
  'AWS::ApiGateway::Deployment': plainId(6, 'DeploymentId'),
  'AWS::ApiGateway::RequestValidator': plainId(6, 'RequestValidatorId'),
  'AWS::ApiGateway::Resource': plainId(6, 'ResourceId'),
  'AWS::ApiGateway::RestApi': (id) => {
    const ref = derived(id, 10, LOWER)
    return { ref, arn: '', attributes: { RestApiId: ref, RootResourceId: ref } }
  },
  'AWS::ApiGateway::Stage': (_id, name) => ({ ref: name('StageName') ?? '', arn: '', attributes: {} }),
  'AWS::ApiGatewayV2::VpcLink': plainId(6, 'VpcLinkId'),
  'AWS::CertificateManager::Certificate': (id) => {
    const arn = arnOf(id, 'acm', `certificate/${derivedUuid(id)}`)
    return { ref: arn, arn, attributes: {} }
  },
  'AWS::CloudFront::Distribution': distribution,
  'AWS::Cognito::IdentityPool': (id) => {
    const ref = `${id.region}:${derivedUuid(id)}`
    return { ref, arn: '', attributes: { Name: generatedName(id, 64) } }
  },
  'AWS::Cognito::UserPool': userPool,
  'AWS::Cognito::UserPoolClient': (id, name) => {
    const ref = derived(id, 26, LOWER)
    return { ref, arn: '', attributes: { ClientId: ref, Name: name('ClientName') ?? generatedName(id, 64) } }
  },
  'AWS::EC2::InternetGateway': ec2Id('igw', 'InternetGatewayId'),
  'AWS::EC2::NatGateway': ec2Id('nat', 'NatGatewayId'),
  'AWS::EC2::RouteTable': ec2Id('rtb', 'RouteTableId'),
  'AWS::EC2::SecurityGroup': ec2Id('sg', 'GroupId'),
  'AWS::EC2::Subnet': ec2Id('subnet', 'SubnetId'),
  'AWS::EC2::VPC': ec2Id('vpc', 'VpcId', { CidrBlock: '10.0.0.0/16' }),
  'AWS::EC2::VPCEndpoint': ec2Id('vpce', 'Id'),
  'AWS::ECS::Cluster': named('ecs', 'ClusterName', (name) => `cluster/${name}`),
  'AWS::ECS::TaskDefinition': byArn('ecs', 'Family', (name) => `task-definition/${name}:1`, [
    'TaskDefinitionArn',
  ]),
  'AWS::Kinesis::Stream': named('kinesis', 'Name', (name) => `stream/${name}`),
  'AWS::KinesisFirehose::DeliveryStream': named(
    'firehose',
    'DeliveryStreamName',
    (name) => `deliverystream/${name}`,
  ),
  'AWS::KMS::Key': key,
  'AWS::Lambda::LayerVersion': byArn('lambda', 'LayerName', (name) => `layer:${name}:1`, ['LayerVersionArn']),
  'AWS::RDS::DBCluster': withEndpoint('rds', 'DBClusterIdentifier'),
  'AWS::RDS::DBInstance': withEndpoint('rds', 'DBInstanceIdentifier'),
  'AWS::Route53::HostedZone': (id) => {
    const ref = `Z${derived(id, 20, UPPER)}`
    return { ref, arn: `arn:${id.partition}:route53:::hostedzone/${ref}`, attributes: { Id: ref } }
  },
  'AWS::S3::Bucket': bucket,
  'AWS::SNS::Topic': byArn('sns', 'TopicName', (name) => name, ['TopicArn'], ['TopicName']),
  'AWS::SecretsManager::Secret': secret,
  'AWS::StepFunctions::StateMachine': byArn(
    'states',
    'StateMachineName',
    (name) => `stateMachine:${name}`,
    ['Arn'],
    ['Name'],
  ),
}

/** What `Fn::GetAtt` likely gives for an attribute that no table has: an ARN where its name says so. */
export const likelyAttribute = (name: string, arn: string): string | undefined =>
  /(^|\.)\w*Arn$/.test(name) ? arn : undefined
