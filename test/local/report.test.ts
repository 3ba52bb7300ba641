import { expect, it } from 'vitest'
import type { Resource } from '../../local/cloudformation/resource.ts'
import { distinctMessages, foreignFunctions, skippedTypes } from '../../local/report.ts'

const resource = (type: string, logicalId: string, properties: Resource['properties'] = {}): Resource => ({
  logicalId,
  type,
  stack: 'S',
  path: `S/${logicalId}`,
  physicalId: logicalId,
  arn: `arn:${logicalId}`,
  properties,
})

it('counts the types that are skipped, and neither those emulated nor those that need nothing', () => {
  const types = [
    'AWS::Lambda::Function',
    'AWS::Logs::LogGroup',
    'AWS::S3::Bucket',
    'AWS::ApiGateway::RestApi',
    'AWS::S3::Bucket',
    'AWS::ApiGatewayV2::DomainName',
    'Custom::Thing',
    'Custom::LogRetention',
  ]
  expect(skippedTypes(types.map((type, i) => resource(type, `R${i}`)))).toEqual({
    'AWS::S3::Bucket': 2,
    'AWS::ApiGateway::RestApi': 1,
    'Custom::Thing': 1,
  })
})

it('names functions that only run on AWS, but not those that only serve custom resources', () => {
  expect(
    foreignFunctions([
      resource('AWS::Lambda::Function', 'Node', { Runtime: 'nodejs22.x' }),
      resource('AWS::Lambda::Function', 'Python', { Runtime: 'python3.12' }),
      resource('AWS::Lambda::Function', 'Image', { PackageType: 'Image' }),
      resource('AWS::Lambda::Function', 'Provider', { Runtime: 'python3.12' }),
      resource('Custom::Thing', 'Thing', { ServiceToken: 'arn:Provider' }),
    ]),
  ).toEqual([
    { path: 'S/Python', runtime: 'python3.12' },
    { path: 'S/Image', runtime: 'container image' },
  ])
})

it('says once what several constructs say, and how often', () => {
  const message = (level: 'warning' | 'error', path: string, text: string) => ({ level, path, text })
  expect(
    distinctMessages([
      message('warning', 'A', 'no MFA'),
      message('error', 'B', 'old runtime'),
      message('error', 'C', 'old runtime'),
      message('warning', 'D', 'old runtime'),
    ]),
  ).toEqual([
    ['warning', 'no MFA'],
    ['error', 'old runtime (2 times)'],
    ['warning', 'old runtime'],
  ])
})
