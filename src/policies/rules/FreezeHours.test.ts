import { expect, test } from 'vitest'
import { ask, utc } from '../../../test/policies/Desk.ts'
import * as Rule from '../Rule.ts'

const night = 'freeze from 22:00 to 06:00 in Europe/Berlin'
const verdicts = (sentence: string, ...moments: string[]) =>
  moments.map((at) => ask(sentence, {}, utc(at)).verdict)

test('the first minute is frozen, the last is not', () => {
  const noon = 'freeze from 12:00 to 13:00 in UTC'
  const moments = [
    '2024-01-10T11:59:59.999',
    '2024-01-10T12:00',
    '2024-01-10T12:59:59.999',
    '2024-01-10T13:00',
  ]
  expect(verdicts(noon, ...moments)).toEqual(['allow', 'deny', 'deny', 'allow'])
})

test('a night goes on across midnight', () => {
  const moments = [
    '2024-01-10T20:59',
    '2024-01-10T21:00',
    '2024-01-10T23:00',
    '2024-01-11T04:59',
    '2024-01-11T05:00',
  ]
  expect(verdicts(night, ...moments)).toEqual(['allow', 'deny', 'deny', 'deny', 'allow'])
})

test('in summer it begins and ends an hour earlier by UTC', () => {
  const moments = ['2024-07-10T19:59', '2024-07-10T20:00', '2024-07-11T03:59', '2024-07-11T04:00']
  expect(verdicts(night, ...moments)).toEqual(['allow', 'deny', 'deny', 'allow'])
})

test('the night in which clocks go forward is an hour shorter, the one in which they go back longer', () => {
  expect(verdicts(night, '2024-03-30T20:59', '2024-03-30T21:00')).toEqual(['allow', 'deny'])
  expect(verdicts(night, '2024-03-31T03:59', '2024-03-31T04:00')).toEqual(['deny', 'allow'])
  expect(verdicts(night, '2024-10-26T19:59', '2024-10-26T20:00')).toEqual(['allow', 'deny'])
  expect(verdicts(night, '2024-10-27T04:59', '2024-10-27T05:00')).toEqual(['deny', 'allow'])
})

test('an hour that is there twice is frozen twice, one that is not there never', () => {
  const hour = 'freeze from 02:00 to 03:00 in Europe/Berlin'
  expect(
    verdicts(hour, '2024-10-26T23:59', '2024-10-27T00:00', '2024-10-27T01:59', '2024-10-27T02:00'),
  ).toEqual(['allow', 'deny', 'deny', 'allow'])
  expect(verdicts(hour, '2024-03-31T00:59:59.999', '2024-03-31T01:00')).toEqual(['allow', 'allow'])
})

test('the reason says what time it is there', () => {
  const { decidedBy } = ask(night, {}, utc('2024-01-10T23:07'))
  expect(decidedBy).toMatchObject({ rule: night, because: `${night}: it is 00:07` })
})

test('one rule asked about now and then about the past answers for each', () => {
  const { verdict } = ask(night, {}, utc('2024-07-10T20:30'))
  expect(verdict).toBe('deny')
  expect(verdicts(night, '2024-01-10T20:30', '2024-07-10T20:30', '1980-04-05T20:30')).toEqual([
    'allow',
    'deny',
    'allow',
  ])
})

test('two equal times freeze nobody knows what, and are refused', () => {
  const json = { rule: 'freeze-hours', fromMinute: 60, toMinute: 60, zone: 'UTC' }
  expect(() => Rule.fromJson(json)).toThrow('two different times')
})
