'use client'

export { MetricChart, type MetricChartProps } from './chart/MetricChart'
